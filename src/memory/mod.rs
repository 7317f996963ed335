//! What observation cannot tell: how memory follows from a round and from an outcome. Pure.
