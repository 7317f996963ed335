//! `images:`. A disk, a kernel or a RAM disk is either on the hosts already (a path), or a local file that is copied
//! there (`source`).
//!
//! A copied file is by default called after its content, as in `alpine-3f2a9c0d1e4b.qcow2`, below the host's storage:
//! guests' disks are overlays on it, and a new version must never replace the file under a running guest.

use std::path::Path;

use crate::model::desired::{Image, ImageFile, ImageSource, Init, Provision};
use crate::model::id::ImageId;
use crate::model::unit::Bytes;
use crate::spec::fields::{Fields, Named};
use crate::spec::keys::{IMAGE, IMAGE_FILE};
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::tree::Kind;
use crate::spec::words;

use super::{CopyDraft, ImageDraft, id, place};

/// How many hex digits of the digest are part of a copied file's name.
const DIGITS: usize = 12;

/// All images whose name is one.
pub fn images(root: &Fields<'_>) -> Vec<ImageDraft> {
    root.names("images")
        .iter()
        .filter_map(|entry| image(root, entry))
        .collect()
}

/// How `provision` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    CloudInit,
    Ssh,
}

fn image(root: &Fields<'_>, entry: &Named<'_>) -> Option<ImageDraft> {
    let id = id::<ImageId>(root.cx, entry);
    let fields = entry.fields(root.cx, &IMAGE)?;
    let mut copies = Vec::new();
    let disk = file(&fields, "path", &mut copies);
    let kernel = optional_file(&fields, "kernel", &mut copies);
    let initrd = optional_file(&fields, "initrd", &mut copies);
    let cmdline = fields.get("cmdline", words::line);
    needs_kernel(&fields);
    let bootstrap = fields.get("bootstrap", words::address);
    let provision = provision(&fields, bootstrap);
    let user = fields.get("user", words::user);
    let init = fields.choice::<Init>("init");
    let interfaces = fields.flag("interfaces");
    let id = id?;
    let built = || {
        Some(Image {
            id: id.value.clone(),
            disk: disk?,
            kernel,
            initrd,
            cmdline: cmdline.map(|cmdline| cmdline.value),
            provision: provision?,
            user: user?.value,
            init: init?.value,
            interfaces: interfaces?.value,
        })
    };
    let built = built();
    Some(ImageDraft {
        id,
        bootstrap,
        copies,
        built,
    })
}

fn needs_kernel(fields: &Fields<'_>) {
    for name in ["initrd", "cmdline"] {
        if fields.entry(name).is_some() && fields.entry("kernel").is_none() {
            let problem = Problem::new(
                fields.span_of(name),
                format!("`{}` needs a `kernel`", fields.path_of(name)),
            );
            fields
                .push(problem.help(
                    "add `kernel:`, or remove this: an image with a boot loader has its own",
                ));
        }
    }
}

fn provision(fields: &Fields<'_>, bootstrap: Option<At<std::net::Ipv4Addr>>) -> Option<Provision> {
    let way = fields.choice::<Way>("provision")?;
    let written = fields.entry("bootstrap");
    match (way.value, written) {
        (Way::CloudInit, None) => Some(Provision::CloudInit),
        (Way::Ssh, Some(_)) => Some(Provision::Ssh {
            bootstrap: bootstrap?.value,
        }),
        (Way::CloudInit, Some(entry)) => {
            let problem = Problem::new(
                entry.span,
                format!(
                    "`{}` is only for images with `provision: ssh`",
                    fields.path_of("bootstrap")
                ),
            );
            let problem = match fields.entry("provision") {
                Some(provision) => problem.also(provision.span, "this image has another"),
                None => problem,
            };
            fields.push(problem.help(
                "add `provision: ssh`, or remove this: cloud-init gives the guest its address",
            ));
            None
        }
        (Way::Ssh, None) => {
            let problem = Problem::new(
                way.span,
                format!("`{}` has no `bootstrap` address", fields.path),
            );
            fields.push(problem.help(
                "add `bootstrap: ADDRESS`, the one that every fresh guest of the image boots with",
            ));
            None
        }
    }
}

/// A kernel or RAM disk: a path on the hosts, or a mapping with a source.
fn optional_file(
    fields: &Fields<'_>,
    name: &str,
    copies: &mut Vec<CopyDraft>,
) -> Option<ImageFile> {
    let entry = fields.entry(name)?;
    match &entry.value.kind {
        Kind::Map(_) => {
            let inner = Fields::open(
                fields.cx,
                &entry.value,
                &IMAGE_FILE,
                &fields.path_of(name),
                entry.span,
            )?;
            inner
                .entry("source")
                .and_then(|_| file(&inner, "path", copies))
        }
        Kind::Nothing | Kind::Scalar(..) | Kind::List(_) => {
            let path = fields.get(name, words::host_path)?;
            Some(ImageFile {
                path: path.value,
                source: None,
            })
        }
    }
}

/// The file that `path`, `source` and `sha256` of a mapping tell of.
fn file(fields: &Fields<'_>, path: &str, copies: &mut Vec<CopyDraft>) -> Option<ImageFile> {
    let path = fields.get(path, words::host_path);
    let digest = fields.get("sha256", words::sha256);
    let (Some(source), written) = (
        fields.get("source", words::line),
        fields.entry("path").is_some(),
    ) else {
        return host_file(fields, path);
    };
    let wanted = digest.as_ref().map(|at| at.value.as_str());
    let (local, sha256, size) = fields.cx.digest("the image file", &source, wanted)?;
    if let Some(wanted) = digest.filter(|wanted| wanted.value != sha256) {
        let problem = Problem::new(
            wanted.span,
            format!("{:?} has another SHA-256", source.value),
        );
        fields.push(
            problem
                .also(source.span, format!("this file has {sha256}"))
                .help(
                    "the file is damaged or another version: fetch it again, or correct `sha256`",
                ),
        );
        return None;
    }
    let place = place(&path, source.span);
    let to = match (path, written) {
        (Some(path), _) => path.value,
        (None, false) => default_name(fields, &local, &sha256, &source)?,
        (None, true) => return None,
    };
    copies.push(CopyDraft {
        to: At {
            value: to.clone(),
            span: place,
        },
        from: local.clone(),
        sha256: sha256.clone(),
    });
    let source = ImageSource {
        path: fields.cx.resolve(&local),
        sha256,
        size: Bytes(size),
    };
    Some(ImageFile {
        path: to,
        source: Some(source),
    })
}

fn host_file(fields: &Fields<'_>, path: Option<At<String>>) -> Option<ImageFile> {
    if let Some(entry) = fields.entry("sha256") {
        let problem = Problem::new(
            entry.span,
            format!("`{}` needs a `source`", fields.path_of("sha256")),
        );
        fields.push(
            problem
                .help("only a file that is copied is checked: add `source: FILE`, or remove this"),
        );
    }
    if fields.entry("path").is_none() && fields.entry("source").is_none() {
        let problem = Problem::new(
            fields.span,
            format!("`{}` has neither `path` nor `source`", fields.path),
        );
        fields.push(problem.help("add `path:` for a disk that the hosts have, or `source:` for a local file that is copied to them"));
    }
    Some(ImageFile {
        path: path?.value,
        source: None,
    })
}

/// `NAME-DIGEST.EXTENSION`.
fn default_name(
    fields: &Fields<'_>,
    local: &Path,
    sha256: &str,
    source: &At<String>,
) -> Option<String> {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let digits = sha256.get(..DIGITS).unwrap_or(sha256);
    let name = match (text(local.file_stem()), text(local.extension())) {
        (Some(stem), Some(extension)) => format!("{stem}-{digits}.{extension}"),
        (Some(stem), None) => format!("{stem}-{digits}"),
        (None, _) => digits.to_owned(),
    };
    let name = words::host_path(&name).map_err(|wrong| {
        let problem = Problem::new(
            source.span,
            format!(
                "the copy of {:?} can't keep its name: {}",
                source.value, wrong.message
            ),
        );
        fields.push(problem.help("add `path:` with another one"));
    });
    name.ok()
}
