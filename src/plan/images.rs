//! Base images: a host gets one right before the first guest that needs it.

use super::Planner;
use super::draft::{Step, reason_at};
use super::machine::{image_files, image_path};
use crate::model::action::{CopyImage, Operation};
use crate::model::desired::{Host, Image, ImageFile};
use crate::model::facts::HostFacts;
use crate::model::plan::{ActionId, Notice, NoticeKind, ReasonCode};

/// What a guest needs before it can be built on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supply {
    /// Nothing: the image is there.
    There,
    /// This copy.
    Copied(ActionId),
    /// The image can't be had there.
    Impossible,
}

impl<'a> Planner<'a> {
    /// What a guest of `image` needs on `host`. Said and planned once, however many guests ask.
    pub(super) fn image_on(
        &mut self,
        image: &'a Image,
        host: &'a Host,
        facts: &HostFacts,
    ) -> Supply {
        let key = (host.id.clone(), image.id.clone());
        if let Some(known) = self.supplies.get(&key) {
            return *known;
        }
        let missing: Vec<ImageFile> = image_files(image)
            .map(|file| ImageFile {
                path: image_path(host, file),
                source: file.source.clone(),
            })
            .filter(|file| !is_there(facts, file))
            .collect();
        let supply = self.supply(image, host, missing);
        self.supplies.insert(key, supply);
        supply
    }

    fn supply(&mut self, image: &Image, host: &Host, missing: Vec<ImageFile>) -> Supply {
        if missing.is_empty() {
            return Supply::There;
        }
        let line = self.round.desired.lines.of(&format!("images.{}", image.id));
        if let Some(file) = missing.iter().find(|f| f.source.is_none()) {
            self.draft.notices.push(Notice {
                kind: NoticeKind::Blocked,
                subject: format!("image {} on host {}", image.id, host.id),
                text: format!("{} does not exist there", file.path),
                help: Some(
                    "put the file there, or give the image a `source`, a local file that is copied"
                        .to_owned(),
                ),
                line,
            });
            return Supply::Impossible;
        }
        let size: u64 = missing
            .iter()
            .filter_map(|f| f.source.as_ref())
            .map(|s| s.size.0)
            .sum();
        let summary = format!("{} to host {} ({})", image.id, host.id, mebibytes(size));
        let why = reason_at(ReasonCode::ImageMissing, "a guest there needs it", line);
        let copy = CopyImage {
            host: host.id.clone(),
            image: image.id.clone(),
            files: missing,
        };
        Supply::Copied(
            self.draft
                .push(Step::change(Operation::CopyImage(copy), summary, why)),
        )
    }
}

fn is_there(facts: &HostFacts, file: &ImageFile) -> bool {
    match (facts.files.get(&file.path), &file.source) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(seen), Some(source)) => {
            seen.size == source.size && seen.sha256.as_deref() == Some(&source.sha256)
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
