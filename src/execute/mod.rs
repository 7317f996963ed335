//! Carrying out a plan: the runner of the action graph, and one file per kind of action. Makes no choices.
