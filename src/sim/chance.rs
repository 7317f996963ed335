//! Chance from a seed: what takes how long. Each subject draws numbers of its own, so that one fault more does not
//! change what all others draw.

use std::collections::BTreeMap;
use std::time::Duration;

/// Draws, the same ones for the same seed.
#[derive(Debug, Clone)]
pub struct Chance {
    seed: u64,
    drawn: BTreeMap<String, u64>,
}

impl Chance {
    /// Draws of this seed.
    pub fn new(seed: u64) -> Self {
        Chance {
            seed,
            drawn: BTreeMap::new(),
        }
    }

    /// The next number of `subject`.
    pub fn number(&mut self, subject: &str) -> u64 {
        let counter = self.drawn.entry(subject.to_owned()).or_default();
        *counter += 1;
        let name = subject
            .bytes()
            .fold(self.seed, |hash, byte| mix(hash ^ u64::from(byte)));
        mix(name.wrapping_add(*counter))
    }

    /// The next number of `subject`, below `limit`.
    pub fn below(&mut self, subject: &str, limit: u64) -> u64 {
        self.number(subject) % limit.max(1)
    }

    /// How long something takes that usually takes `usual`: mostly a little more or less, one time in twenty twice as
    /// long.
    pub fn span(&mut self, subject: &str, usual: Duration) -> Duration {
        let number = self.number(subject);
        let percent = 80 + number % 51;
        let twice = if (number >> 32).is_multiple_of(20) {
            2
        } else {
            1
        };
        let millis = u64::try_from(usual.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(millis.saturating_mul(percent * twice) / 100)
    }
}

/// One step of splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_subject_that_draws_changes_no_draw() {
        let (mut alone, mut beside) = (Chance::new(7), Chance::new(7));
        let first = alone.number("a");
        beside.number("b");
        assert_eq!(beside.number("a"), first);
        assert_ne!(alone.number("a"), first);
        assert_ne!(Chance::new(8).number("a"), first);
    }

    #[test]
    fn a_span_stays_near_what_is_usual() {
        let mut chance = Chance::new(1);
        let usual = Duration::from_secs(10);
        let drawn: Vec<_> = (0..1000).map(|_| chance.span("boot", usual)).collect();
        assert!(
            drawn
                .iter()
                .all(|d| *d >= usual * 8 / 10 && *d <= usual * 26 / 10)
        );
        let long = drawn.iter().filter(|d| **d > usual * 13 / 10).count();
        assert!((20..90).contains(&long), "{long}");
    }
}
