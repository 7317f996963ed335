//! Base images: a host gets one right before the first guest that needs it.

use super::Planner;
use super::draft::{Step, reason_at};
use super::machine::{image_files, image_path};
use crate::model::action::{CopyFile, Operation};
use crate::model::desired::{Host, Image, ImageFile};
use crate::model::facts::HostFacts;
use crate::model::plan::{ActionId, Notice, NoticeKind, ReasonCode};

impl<'a> Planner<'a> {
    /// The copies that a guest of `image` on `host` needs; none when a file can't be had there, which is said once.
    pub(super) fn image_on(
        &mut self,
        image: &'a Image,
        host: &'a Host,
        facts: &HostFacts,
    ) -> Option<Vec<ActionId>> {
        let mut copies = Vec::new();
        for file in image_files(image) {
            let path = image_path(host, file);
            let key = (host.id.clone(), path.clone());
            if is_there(facts, &path, file) {
                continue;
            }
            if !self.copies.contains_key(&key) {
                let copy = self.copy(image, host, file, &path);
                self.copies.insert(key.clone(), copy);
            }
            copies.push(*self.copies.get(&key)?.as_ref()?);
        }
        Some(copies)
    }

    fn copy(
        &mut self,
        image: &Image,
        host: &Host,
        file: &ImageFile,
        path: &str,
    ) -> Option<ActionId> {
        let line = self.round.desired.lines.of(&format!("images.{}", image.id));
        let Some(source) = &file.source else {
            self.draft.notices.push(Notice {
                kind: NoticeKind::Blocked,
                subject: format!("image {} on host {}", image.id, host.id),
                text: format!("{path} does not exist there"),
                help: Some(
                    "put the file there, or give the image a `source`, a local file that is copied"
                        .to_owned(),
                ),
                line,
            });
            return None;
        };
        let summary = format!(
            "{} to host {} ({})",
            path.rsplit('/').next()?,
            host.id,
            mebibytes(source.size.0)
        );
        let why = reason_at(
            ReasonCode::ImageMissing,
            format!("host {} does not have it", host.id),
            line,
        );
        let file = ImageFile {
            path: path.to_owned(),
            source: Some(source.clone()),
        };
        let operation = Operation::CopyFile(CopyFile {
            host: host.id.clone(),
            file,
        });
        Some(self.draft.push(Step::change(operation, summary, why)))
    }
}

fn is_there(facts: &HostFacts, path: &str, file: &ImageFile) -> bool {
    match (facts.files.get(path), &file.source) {
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
