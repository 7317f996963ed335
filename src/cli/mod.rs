//! One file per subcommand; plans, status and history as text and JSON; exit codes.
