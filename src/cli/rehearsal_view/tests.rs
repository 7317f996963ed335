//! How a rehearsal looks.

use super::*;

#[test]
fn moments_are_told_with_days_only_where_there_are_any() {
    assert_eq!(timeline::moment(83_456), "+0:01:23.4");
    assert_eq!(timeline::moment(86_400_000 + 3_600_000), "+1d01:00:00.0");
}
