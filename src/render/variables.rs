//! What templates may say about a guest. The list for people is `templates/README.md`: a variable that is added here
//! is added there.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::engine::{Variables, handlebars_text};
use super::{GuestContext, RenderError, Upstream, balancer};
use crate::model::desired::{Desired, Group, Network, Role};

/// Everything that the templates of `guest` may say.
pub fn guest_variables(
    desired: &Desired,
    guest: &GuestContext<'_>,
    upstreams: &[Upstream],
) -> Result<Variables, RenderError> {
    let mut values = common(desired, guest);
    match &guest.group.role {
        Role::Service(_) => {}
        Role::LoadBalancer(lb) => {
            values.extend(object(balancer::values(guest.group, lb, upstreams)));
        }
    }
    let variables = Variables::new(Value::Object(values));
    let env = env(guest.group, &variables)?;
    Ok(variables.with("env", json!(env)))
}

fn common(desired: &Desired, guest: &GuestContext<'_>) -> Map<String, Value> {
    let secrets: BTreeMap<_, _> = desired
        .secrets
        .iter()
        .map(|(name, secret)| (name, secret.reveal()))
        .collect();
    object(json!({
        "cluster": desired.cluster,
        "instance": guest.instance,
        "group": guest.group.id,
        "index": guest.instance.index,
        "host": guest.host,
        "address": guest.address,
        "port": guest.group.port(),
        "network": network(guest.network),
        "secret": secrets,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn network(network: &Network) -> Value {
    json!({
        "cidr": network.cidr,
        "prefix": network.cidr.prefix_len(),
        "netmask": network.cidr.netmask(),
        "gateway": network.gateway,
        "dns": network.dns,
    })
}

/// The environment of a group's process. Values are templates, which may not say `env` themselves.
fn env(group: &Group, variables: &Variables) -> Result<BTreeMap<String, String>, RenderError> {
    let value = |(name, text): (&String, &String)| {
        let key = format!("{}.env.{name}", group.key());
        let value = handlebars_text(&key, text, variables)?;
        Ok((name.clone(), value))
    };
    group.env.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use crate::model::desired::OnChange;
    use crate::render::guest_config;
    use crate::render::samples::{Sample, file, upstream};

    #[test]
    fn a_service_knows_no_variable_of_a_load_balancer() {
        let mut sample = Sample::service();
        sample.run("serve {{vip}}");
        let error = guest_config(&sample.desired, &sample.guest(), &[]).unwrap_err();
        insta::assert_snapshot!(error, @"services.random.run:1: there is no `vip` here; there is address, cluster, env, group, host, index, instance, network, port, secret");
    }

    #[test]
    fn every_variable_says_what_the_list_of_variables_says() {
        let mut sample = Sample::balancer();
        let text = "{{cluster}} {{instance}} {{group}} {{index}} {{host}} {{address}} {{port}}\n\
            {{network.cidr}} {{network.prefix}} {{network.netmask}} {{network.gateway}}\n\
            {{#each network.dns}}{{this}} {{/each}}{{env.A}} {{secret.token}} {{vip}} {{vip_prefix}}\n\
            {{#each routes}}{{path}} {{service}} {{connect_timeout_ms}} {{timeout_ms}} {{/each}}\n\
            {{#each upstreams}}{{service}} {{#each servers}}{{instance}} {{address}} {{port}} {{down}}{{/each}}{{/each}}\n";
        sample
            .group
            .env
            .insert("A".to_owned(), "of {{group}}".to_owned());
        sample.group.files = vec![file("/all", text, OnChange::Nothing)];
        let upstreams = [upstream("random", &[false])];
        let config = guest_config(&sample.desired, &sample.guest(), &upstreams).unwrap();
        insta::assert_snapshot!(config.files[2].content, @r#"
        demo web-1 web 1 a 192.168.10.11 80
        192.168.10.0/24 24 255.255.255.0 192.168.10.254
        192.168.10.254 9.9.9.9 of web s3cr3t'value 192.168.10.120 24
        /random random 500 60000 /soon/ soon 500 60000 
        random random-1 192.168.10.20 8080 false
        "#);
    }
}
