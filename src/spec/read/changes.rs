//! `changes:`: how edits of the file come into force.

use crate::model::policy::{Changes, Window};
use crate::spec::fields::{Fields, Single};
use crate::spec::keys::changes::WINDOW;
use crate::spec::words;

/// Reads `changes:`.
pub fn changes(root: &Fields<'_>) -> Option<Changes> {
    let fields = root.object("changes")?;
    let automatic = fields.get("automatic", words::class);
    let on_failure = fields.choice("on_failure");
    let windows = fields.object("windows")?;
    let (allow, deny) = (list(&windows, "allow"), list(&windows, "deny"));
    Some(Changes {
        automatic: automatic?.value,
        on_failure: on_failure?.value,
        allow: allow?,
        deny: deny?,
    })
}

fn list(windows: &Fields<'_>, name: &str) -> Option<Vec<Window>> {
    if windows.entry(name).is_none() {
        return Some(Vec::new());
    }
    let items = windows.list(name, Single::Refused).into_iter();
    // Each is read, so that all errors are shown.
    let read = items.map(|item| window(&item.fields(windows.cx, &WINDOW)?));
    read.collect::<Vec<_>>().into_iter().collect()
}

fn window(fields: &Fields<'_>) -> Option<Window> {
    let at = fields.get("at", words::cron);
    let lasts = fields.get("for", words::window_span);
    let zone = fields.get("zone", words::zone);
    Some(Window {
        at: at?.value,
        lasts: lasts?.value,
        zone: zone?.value,
    })
}
