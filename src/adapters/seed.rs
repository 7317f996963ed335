//! A NoCloud seed as a disk image: a small FAT file system labelled `CIDATA`, made here, so that a host needs no tool
//! for it. <https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html>

use std::io::{Cursor, Write};

use fatfs::{Date, DateTime, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider};

use crate::model::action::Seed;

const LABEL: [u8; 11] = *b"CIDATA     ";
/// Room for three small files. A whole sector of clusters more than they need costs nothing.
const SMALLEST: usize = 64 << 10;
/// More is a mistake: user-data goes through a shell's variable.
const LARGEST: usize = 4 << 20;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Too much in it.
    #[error("a seed of {0} bytes is too large")]
    TooLarge(usize),
    /// The file system's own word.
    #[error("can't make the seed")]
    Image(#[from] std::io::Error),
}

/// The image of `seed`. The same seed gives the same bytes.
pub fn image(seed: &Seed) -> Result<Vec<u8>, SeedError> {
    let content = seed.meta_data.len() + seed.user_data.len() + seed.network_config.len();
    if content > LARGEST {
        return Err(SeedError::TooLarge(content));
    }
    let mut image = vec![0; SMALLEST + content.next_multiple_of(SMALLEST)];
    let format = FormatVolumeOptions::new()
        .volume_label(LABEL)
        .volume_id(0xC1DA_7A00);
    fatfs::format_volume(Cursor::new(&mut image), format)?;
    let options = FsOptions::new().time_provider(&Epoch);
    let volume = FileSystem::new(Cursor::new(&mut image), options)?;
    for (name, text) in [
        ("meta-data", &seed.meta_data),
        ("user-data", &seed.user_data),
        ("network-config", &seed.network_config),
    ] {
        let mut file = volume.root_dir().create_file(name)?;
        file.write_all(text.as_bytes())?;
        file.flush()?;
    }
    volume.unmount()?;
    Ok(image)
}

/// A clock that stands still, at the first moment that FAT knows.
#[derive(Debug)]
struct Epoch;

impl TimeProvider for Epoch {
    fn get_current_date(&self) -> Date {
        Date {
            year: 1980,
            month: 1,
            day: 1,
        }
    }

    fn get_current_date_time(&self) -> DateTime {
        DateTime {
            date: self.get_current_date(),
            time: Time {
                hour: 0,
                min: 0,
                sec: 0,
                millis: 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn seed(user_data: String) -> Seed {
        Seed {
            meta_data: "instance-id: x\n".into(),
            user_data,
            network_config: "version: 2\n".into(),
        }
    }

    #[test]
    fn the_files_of_a_seed_are_read_back_from_its_image() {
        let user_data = "#cloud-config\n# ü\n".repeat(9_000);
        let image = image(&seed(user_data.clone())).unwrap();
        let volume = FileSystem::new(Cursor::new(image), FsOptions::new()).unwrap();
        assert_eq!(volume.volume_label(), "CIDATA");
        let label = volume.read_volume_label_from_root_dir().unwrap();
        assert_eq!(label.as_deref(), Some("CIDATA"));
        let mut text = String::new();
        let mut file = volume.root_dir().open_file("user-data").unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, user_data);
        assert!(volume.root_dir().open_file("network-config").is_ok());
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(
            image(&seed("a".into())).unwrap(),
            image(&seed("a".into())).unwrap()
        );
    }

    #[test]
    fn a_seed_that_no_shell_would_take_is_refused() {
        let error = image(&seed("x".repeat(LARGEST + 1))).unwrap_err();
        assert!(matches!(error, SeedError::TooLarge(_)));
    }
}
