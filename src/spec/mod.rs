//! cluster.yaml → Desired: parse with source spans, fill defaults, resolve, validate. Reads files only through `SpecFiles`.
