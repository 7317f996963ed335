//! A line of `virsh event --event lifecycle` (<https://libvirt.org/manpages/virsh.html#event>). Names in it are not
//! ours: what comes out is a hint to look, and nothing is believed.

/// The domain that a line says has ended; none: the line says something else.
///
/// `event 'lifecycle' for domain 'NAME': Stopped Failed`; older versions write the name without quotes.
pub fn ended_domain(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("event 'lifecycle' for domain ")?;
    let (name, what) = rest.rsplit_once(": ")?;
    let ended = what.starts_with("Stopped ") || what.starts_with("Crashed ");
    let unquoted = name.strip_prefix('\'').and_then(|n| n.strip_suffix('\''));
    ended.then_some(unquoted.unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_that_stopped_or_crashed_has_ended() {
        let line = |name: &str, what: &str| format!("event 'lifecycle' for domain {name}: {what}");
        for (name, what) in [
            ("'demo-web-1'", "Stopped Failed"),
            ("demo-web-1", "Stopped Destroyed"),
            ("'demo-web-1'", "Crashed Panicked"),
        ] {
            assert_eq!(ended_domain(&line(name, what)), Some("demo-web-1"));
        }
        for what in ["Started Booted", "Shutdown Finished", "Defined Updated", ""] {
            assert_eq!(ended_domain(&line("'demo-web-1'", what)), None);
        }
        assert_eq!(
            ended_domain("error: Disconnected from qemu:///system"),
            None
        );
    }
}
