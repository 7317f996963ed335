//! What people and scripts see: arguments, exit codes; plans, progress, status and history as text and JSON. Everything
//! here that makes text is a pure function of values; nothing here observes, decides or acts.

pub mod adopt;
mod adopt_view;
pub mod answer;
pub mod args;
pub mod commands;
pub mod compared_view;
pub mod confirm;
pub mod cost;
pub mod drift_view;
pub mod exit;
pub mod explain_view;
pub mod fence_view;
pub mod fmt_view;
pub mod grounds;
pub mod history_view;
pub mod log;
pub mod moment;
pub mod notify_view;
pub mod orders_view;
pub mod plan_json;
pub mod plan_markdown;
pub mod plan_schema;
pub mod plan_text;
pub mod progress;
pub mod rehearsal_html;
pub mod rehearsal_view;
#[cfg(test)]
mod samples;
pub mod stale;
pub mod status_view;
pub mod style;
pub mod survival_view;
pub mod table;
pub mod tally;
pub mod text;
pub mod validate_view;
pub mod why_view;
