//! Arguments of `adopt`.

use std::net::Ipv4Addr;

use crate::model::id::{GroupId, HostId, ImageId, InstanceId};
use crate::plan::adoption::Wish;

/// Arguments of `adopt`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct AdoptArgs {
    /// The name of the domain, as virsh list --all shows it
    pub domain: String,

    /// What it becomes: a service, or one instance of it, as in database or database-2
    #[arg(long = "as", value_name = "SERVICE[-N]", value_parser = become_what)]
    pub becomes: Becomes,

    /// Its host, where several have a domain of that name
    #[arg(long, value_name = "HOST")]
    pub host: Option<HostId>,

    /// Its address, where its host does not know it
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<Ipv4Addr>,

    /// The image that a new service names: whom to log in as, and what it is built from if all of it is lost
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<ImageId>,

    /// The port that a new service serves on
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// The path of its heartbeat, where that is not /heartbeat
    #[arg(long, value_name = "PATH")]
    pub heartbeat: Option<String>,

    /// Only look, and show what would be written
    #[arg(long)]
    pub dry_run: bool,
}

/// What a domain becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Becomes {
    /// Of which service.
    pub group: GroupId,
    /// Which instance; none: the next one.
    pub index: Option<u32>,
}

fn become_what(text: &str) -> Result<Becomes, String> {
    if let Ok(instance) = text.parse::<InstanceId>() {
        return Ok(Becomes {
            group: instance.group,
            index: Some(instance.index),
        });
    }
    let group = text.parse::<GroupId>().map_err(|error| error.to_string())?;
    Ok(Becomes { group, index: None })
}

impl AdoptArgs {
    /// What is asked for.
    pub fn wish(&self) -> Wish {
        Wish {
            domain: self.domain.clone(),
            group: self.becomes.group.clone(),
            index: self.becomes.index,
            host: self.host.clone(),
            address: self.address,
            image: self.image.clone(),
            port: self.port,
            heartbeat: self.heartbeat.clone(),
        }
    }
}

pub(super) const ABOUT: &str = "\
Makes an existing domain an instance of a service: writes the YAML that fits it into the file, with your comments and your order \
kept, and our mark into its libvirt metadata. Nothing that runs is changed.

It is looked at first, and the next plan is made as if it were adopted: only where that leaves the guest alone, it is adopted. So \
its heartbeat must be good, ssh must let us in, and its address must be one that the pool of its host has or can be given.

Later it is started again when it ends or falls silent, as it is. Its definition and its disk stay yours: no edit of the file \
changes them. What is cut short is finished by the same command.";

pub(super) const EXAMPLES: &str = "\
Examples:
  reconcile adopt old-db --as database --image debian --port 5432 --dry-run
  reconcile adopt old-db --as database --image debian --port 5432
  reconcile adopt old-db2 --as database-2      one more of a service that is in the file
  reconcile adopt old-db --as database --image debian --port 5432 --address 192.168.10.77";
