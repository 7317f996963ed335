//! Guests whose domains somebody else made, and that `reconcile adopt` has marked. Their definition and their disk are not ours: they
//! are started again, and never built, moved or renumbered.

use super::Planner;
use super::build::Prepared;
use super::inventory::Found;
use super::machine::{is_adopted, machine};
use super::need::Need;
use crate::model::action::{Build, FormerDisk};
use crate::model::desired::Group;
use crate::model::id::{DomainName, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::plan::{Notice, NoticeKind};
use crate::render;

/// What is said where such a guest is removed.
pub(super) const STAYS_DEFINED: &str =
    "; it was adopted: its domain and its disk stay, without our mark";

impl<'a> Planner<'a> {
    /// Whether the guest that is there was adopted.
    pub(super) fn is_adopted(&self, instance: &InstanceId) -> bool {
        let view = self.round.views.get(instance);
        let found = view.and_then(|view| view.found);
        found.is_some_and(|found| is_adopted(&found.mark.digest))
    }

    /// What the domain of a guest with this mark is called.
    pub(super) fn domain_name(&self, instance: &InstanceId, mark: &Mark) -> DomainName {
        let found = self.round.views.get(instance).and_then(|view| view.found);
        let adopted = found.filter(|_| is_adopted(&mark.digest));
        adopted.map_or_else(
            || DomainName::new(&mark.cluster, instance),
            |found| found.domain_name(),
        )
    }

    /// The next life of a guest that was adopted: the same domain, ended and started again.
    pub(super) fn prepare_as_it_is(&mut self, instance: &InstanceId) -> Option<Prepared<'a>> {
        let view = self.round.views.get(instance)?;
        let (group, found) = (view.group, view.found?);
        let (host, facts) = self.round.host(found.host)?;
        let image = self.round.image(group)?;
        let mark = Mark {
            generation: format!("{instance}-{:x}", self.round.observed.now.0),
            stage: Stage::Ready,
            ..found.mark.clone()
        };
        let mut machine = machine(self.round.desired, group, image, host, facts, instance);
        machine.domain = found.domain_name();
        machine.uuid = found.domain.uuid.clone();
        machine.former_disk = FormerDisk::NotOurs;
        machine.seed = None;
        let build = Build {
            host: found.host.clone(),
            machine,
            xml: render::mark_xml(&mark),
            mark,
            seed: None,
            replaces: Some(found.mark.generation.clone()),
        };
        Some(Prepared {
            group,
            image,
            build,
            copy: None,
            old_disk: Some("; it was adopted: its domain is started again as it is".to_owned()),
        })
    }

    /// What a living guest needs. Whatever its domain would have to change for is refused where that was adopted.
    pub(super) fn need(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
    ) -> Option<Need> {
        let need = self.need_of_ours(instance, group, found)?;
        if self.is_adopted(instance) && need.changes_its_domain() {
            self.say_it_stays(instance, group, &need);
            return None;
        }
        Some(need)
    }

    /// Says that what the file asks for is not done.
    fn say_it_stays(&mut self, instance: &InstanceId, group: &Group, need: &Need) {
        let why = match need {
            Need::Move(_, reason)
            | Need::Yield(reason)
            | Need::Rebuild(reason)
            | Need::Rebind(_, reason) => reason.text.as_str(),
            Need::Restart(..) | Need::Quiet(..) | Need::Mark(_) => return,
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!("{why}; but it was adopted: its domain and its disk are not ours to change"),
            help: Some(format!(
                "take the edit back; or make another service with an image of its own, move the data, and remove {}",
                group.id
            )),
            line: self.round.desired.lines.of(&group.key()),
        });
    }
}
