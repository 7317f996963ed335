//! From the wish to adopt a domain to what has to be written and marked: everything is looked at and tried before anything is
//! changed. Changes nothing itself.

use std::sync::Arc;

use crate::controller::adopt::as_if;
use crate::controller::look::{Beats, Eyes};
use crate::controller::{Round, Watcher};
use crate::model::adoption::{Adoption, Amendment, Surveyed};
use crate::model::desired::Desired;
use crate::model::facts::Observed;
use crate::model::mark::Mark;
use crate::model::memory::Memory;
use crate::plan::adoption::{self, Candidate, Refused, Wish};
use crate::ports::adoption::Surveyor;
use crate::spec::SpecFiles;
use crate::spec::amend::{AmendError, Amended, amend};

/// The file that is edited.
pub struct Book<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The files beside it.
    pub files: &'a dyn SpecFiles,
    /// What it says.
    pub desired: &'a Arc<Desired>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Prepared {
    /// Nothing: it was adopted before.
    Already {
        /// The domain.
        candidate: Box<Candidate>,
        /// Its mark.
        mark: Box<Mark>,
    },
    /// The file is edited, then the domain is marked.
    Open(Box<Open>),
}

/// An adoption that nothing stands in the way of.
#[derive(Debug)]
pub struct Open {
    /// What is marked.
    pub adoption: Adoption,
    /// The file afterwards; none: it says all already.
    pub amended: Option<Amended>,
    /// What was found of the domain.
    pub surveyed: Surveyed,
    /// What was seen of the hosts.
    pub observed: Observed,
}

/// Why nothing is done.
#[derive(Debug, thiserror::Error)]
pub enum NotPrepared {
    /// It can't be adopted.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The file can't be edited for it.
    #[error(transparent)]
    Amend(#[from] AmendError),
    /// Its host does not answer.
    #[error("{0}")]
    Unseen(String),
}

/// Looks, proposes, and tries it: the next plan must leave the guest alone.
///
/// # Errors
/// Something stands in the way. Nothing was changed.
pub async fn prepare(
    book: &Book<'_>,
    (memory, eyes): (&Memory, &Eyes),
    surveyor: &dyn Surveyor,
    wish: &Wish,
) -> Result<Prepared, NotPrepared> {
    let mut watcher = Watcher::new(Arc::clone(book.desired), memory.clone(), eyes.clone());
    let Round { observed, .. } = watcher.round(&Beats::Ask).await;
    let candidate = adoption::find(book.desired, &observed, memory, wish)?;
    if let Some(mark) = candidate.mark.clone() {
        let (candidate, mark) = (Box::new(candidate), Box::new(mark));
        return Ok(Prepared::Already { candidate, mark });
    }
    let surveyed = survey(book.desired, surveyor, &candidate).await?;
    let taken = adoption::taken(&observed, book.desired);
    let proposal = adoption::propose(book.desired, &taken, &candidate, &surveyed, wish)?;
    let amended = edited(book, &proposal.amendments)?;
    let desired = amended
        .as_ref()
        .map_or_else(|| Arc::clone(book.desired), |a| Arc::new(a.desired.clone()));
    let adoption = adoption::adoption(&desired, &observed, &candidate, proposal.address)
        .ok_or_else(|| {
            NotPrepared::Unseen(format!("the file does not ask for {}", candidate.instance))
        })?;
    let asked = Arc::clone(&desired);
    let trial = as_if(desired, memory.clone(), eyes.clone(), adoption.clone()).await;
    adoption::leaves_it_alone(&asked, &trial.observed, &trial.plan, &adoption.mark)?;
    Ok(Prepared::Open(Box::new(Open {
        adoption,
        amended,
        surveyed,
        observed: trial.observed,
    })))
}

async fn survey(
    desired: &Desired,
    surveyor: &dyn Surveyor,
    candidate: &Candidate,
) -> Result<Surveyed, NotPrepared> {
    let host = desired.hosts.get(&candidate.host);
    let host =
        host.ok_or_else(|| NotPrepared::Unseen(format!("host {} is unknown", candidate.host)))?;
    let surveyed = surveyor.survey(host, &candidate.uuid).await;
    surveyed.map_err(|unseen| NotPrepared::Unseen(unseen.message))
}

fn edited(book: &Book<'_>, amendments: &[Amendment]) -> Result<Option<Amended>, AmendError> {
    match amendments.is_empty() {
        true => Ok(None),
        false => amend(book.name, book.bytes, book.files, amendments).map(Some),
    }
}
