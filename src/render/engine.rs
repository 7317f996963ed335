//! The two template languages: a text and its variables become a text, or an error that names the template and the
//! line. Knows nothing of guests or of what the variables mean.

use std::cell::RefCell;

use handlebars::{Context, Handlebars, RenderErrorReason, TemplateErrorReason};
use minijinja::UndefinedBehavior;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde_json::Value;

use super::{RenderError, helpers, quote};
use crate::model::desired::{Engine, Template};

/// What templates may say: the same variables for both languages.
#[derive(Debug, Clone)]
pub struct Variables(Context);

impl Variables {
    /// Variables out of a JSON object.
    pub fn new(value: Value) -> Self {
        let mut context = Context::null();
        *context.data_mut() = value;
        Self(context)
    }

    /// These variables and one more.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.data_mut()[name] = value;
        self
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.value().get(name)
    }

    fn value(&self) -> &Value {
        self.0.data()
    }
}

/// Compiles a template, without rendering it.
pub fn check(template: &Template) -> Result<(), RenderError> {
    match template.engine {
        Engine::Verbatim => Ok(()),
        Engine::Handlebars => handlebars::Template::compile(&template.text)
            .map(drop)
            .map_err(|error| compile_error(&template.name, &error)),
        Engine::Jinja => jinja()
            .template_from_named_str(&template.name, &template.text)
            .map(drop)
            .map_err(|error| jinja_error(&template.name, &error)),
    }
}

/// Renders a template. A name that is not among the variables is an error.
pub fn render(template: &Template, variables: &Variables) -> Result<String, RenderError> {
    match template.engine {
        Engine::Verbatim => Ok(template.text.clone()),
        Engine::Handlebars => handlebars_text(&template.name, &template.text, variables),
        Engine::Jinja => jinja()
            .render_named_str(
                &template.name,
                &template.text,
                minijinja::Value::from(Serde(variables.value())),
            )
            .map_err(|error| jinja_error(&template.name, &error)),
    }
}

/// Renders a short Handlebars text, as in a path or the value of an environment variable.
pub fn handlebars_text(
    name: &str,
    text: &str,
    variables: &Variables,
) -> Result<String, RenderError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    COMPILED.with_borrow_mut(|compiled| {
        if !compiled.has_template(text) {
            if compiled.get_templates().len() >= CACHE_LIMIT {
                compiled.clear_templates();
            }
            compiled
                .register_template_string(text, text)
                .map_err(|error| compile_error(name, &error))?;
        }
        let mut rendered = compiled
            .render_with_context(text, &variables.0)
            .map_err(|error| handlebars_error(name, &error, variables))?;
        // Handlebars writes into 8 KiB, which would stay with every file of every guest.
        rendered.shrink_to_fit();
        Ok(rendered)
    })
}

/// Templates that stay compiled: compiling costs a hundred times what rendering does, and a plan renders the same
/// few templates for thousands of guests. A cluster has tens of templates; the limit only bounds `watch`.
const CACHE_LIMIT: usize = 256;

thread_local! {
    /// Compiled templates, each under its whole text: nobody can see that they are kept.
    static COMPILED: RefCell<Handlebars<'static>> = RefCell::new(handlebars());
}

fn handlebars() -> Handlebars<'static> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.set_prevent_indent(true);
    handlebars.register_escape_fn(handlebars::no_escape);
    helpers::register(&mut handlebars);
    handlebars
}

/// Jinja as Ansible sets it up: <https://docs.ansible.com/ansible/latest/collections/ansible/builtin/template_module.html>.
fn jinja() -> minijinja::Environment<'static> {
    let mut jinja = minijinja::Environment::new();
    jinja.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .unwrap_or_default(),
    );
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    jinja.set_debug(true);
    jinja.add_filter("sh", |value: &str| quote::sh(value));
    jinja.add_filter("xml", |value: &str| quote::xml(value));
    jinja.add_filter("nginx", |value: &str| quote::nginx(value));
    jinja
}

fn compile_error(name: &str, error: &handlebars::TemplateError) -> RenderError {
    RenderError {
        template: name.to_owned(),
        line: error.pos().and_then(|(line, _)| u32::try_from(line).ok()),
        message: match error.reason() {
            // The parser lists the rules of its grammar, which tells nobody anything.
            TemplateErrorReason::InvalidSyntax(_) => {
                "this is no Handlebars: is a `{{` or a block left open?".to_owned()
            }
            other => other.to_string(),
        },
    }
}

fn handlebars_error(
    name: &str,
    error: &handlebars::RenderError,
    variables: &Variables,
) -> RenderError {
    let message = match error.reason() {
        RenderErrorReason::MissingVariable(Some(path)) => unknown(path, variables),
        RenderErrorReason::MissingVariable(None) => "a name here is unknown".to_owned(),
        RenderErrorReason::HelperNotFound(helper) => format!("there is no helper `{helper}`"),
        other => other.to_string(),
    };
    RenderError {
        template: name.to_owned(),
        line: error.line_no.and_then(|line| u32::try_from(line).ok()),
        message,
    }
}

/// Says that a name is unknown, and which ones are known in its place. Names only: values may be secrets.
fn unknown(path: &str, variables: &Variables) -> String {
    let (parent, value) = match path.rsplit_once('.') {
        Some((parent, _)) => {
            let pointer = format!("/{}", parent.replace('.', "/"));
            (parent, variables.value().pointer(&pointer))
        }
        None => ("", Some(variables.value())),
    };
    let known: Vec<_> = value
        .and_then(Value::as_object)
        .map(|object| object.keys().map(String::as_str).collect())
        .unwrap_or_default();
    match (parent, known.is_empty()) {
        (_, true) => format!("there is no `{path}` here"),
        ("", false) => format!("there is no `{path}` here; there is {}", known.join(", ")),
        (parent, false) => format!(
            "there is no `{path}` here; `{parent}` has {}",
            known.join(", ")
        ),
    }
}

fn jinja_error(name: &str, error: &minijinja::Error) -> RenderError {
    let message = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    RenderError {
        template: name.to_owned(),
        line: error.line().and_then(|line| u32::try_from(line).ok()),
        message,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(engine: Engine, text: &str) -> Template {
        Template {
            name: "files/app.conf".to_owned(),
            text: text.to_owned(),
            engine,
        }
    }

    fn rendered(engine: Engine, text: &str) -> Result<String, String> {
        let variables = Variables::new(json!({
            "instance": "random-1", "port": 8080, "list": ["a", "b"], "none": null,
            "network": {"cidr": "10.0.0.0/8", "gateway": null}, "hostile": "<'&\">"
        }));
        render(&template(engine, text), &variables).map_err(|error| error.to_string())
    }

    #[test]
    fn both_languages_see_the_same_variables_and_escape_nothing() {
        for engine in [Engine::Handlebars, Engine::Jinja] {
            let text = "{{instance}} {{ port }} {{network.cidr}} {{hostile}}\n";
            assert_eq!(
                rendered(engine, text).unwrap(),
                "random-1 8080 10.0.0.0/8 <'&\">\n"
            );
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_with_its_line() {
        insta::assert_snapshot!(
            rendered(Engine::Handlebars, "a\n{{instanze}}").unwrap_err(),
            @"files/app.conf:2: there is no `instanze` here; there is hostile, instance, list, network, none, port"
        );
        insta::assert_snapshot!(
            rendered(Engine::Handlebars, "a\n\n{{network.gate}}").unwrap_err(),
            @"files/app.conf:3: there is no `network.gate` here; `network` has cidr, gateway"
        );
        insta::assert_snapshot!(
            rendered(Engine::Handlebars, "{{#if missing}}x{{/if}}").unwrap_err(),
            @"files/app.conf:1: there is no `missing` here; there is hostile, instance, list, network, none, port"
        );
        insta::assert_snapshot!(
            rendered(Engine::Handlebars, "{{shell instance}}").unwrap_err(),
            @"files/app.conf:1: there is no helper `shell`"
        );
        insta::assert_snapshot!(rendered(Engine::Jinja, "a\n{{ instanze }}").unwrap_err(), @"files/app.conf:2: undefined value: `instanze` is undefined");
        insta::assert_snapshot!(rendered(Engine::Jinja, "{{ network.gate }}").unwrap_err(), @"files/app.conf:1: undefined value: `network.gate` is undefined");
    }

    #[test]
    fn what_does_not_compile_is_an_error_with_its_line() {
        let error = |engine, text| check(&template(engine, text)).unwrap_err().to_string();
        insta::assert_snapshot!(error(Engine::Handlebars, "a\n{{#if x}}\nb"), @"files/app.conf:3: this is no Handlebars: is a `{{` or a block left open?");
        insta::assert_snapshot!(error(Engine::Handlebars, "a\n{{ x "), @"files/app.conf:2: this is no Handlebars: is a `{{` or a block left open?");
        insta::assert_snapshot!(error(Engine::Jinja, "a\n{% if x %}\nb"), @"files/app.conf:3: syntax error: unexpected end of input, expected end of block");
        assert_eq!(check(&template(Engine::Verbatim, "{{#if")), Ok(()));
    }

    #[test]
    fn jinja_trims_blocks_and_keeps_the_last_line_break_as_ansible_does() {
        let text = "{% for x in list %}\n{{ x }}\n{% endfor %}\nend\n";
        assert_eq!(rendered(Engine::Jinja, text).unwrap(), "a\nb\nend\n");
    }

    #[test]
    fn a_value_can_be_quoted_for_the_language_around_it() {
        let text = "{{sh hostile}} {{xml hostile}} {{nginx hostile}} {{sh port}}";
        assert_eq!(
            rendered(Engine::Handlebars, "{{json hostile}} {{json none}}").unwrap(),
            "\"<'&\\\">\" null"
        );
        insta::assert_snapshot!(rendered(Engine::Handlebars, text).unwrap(), @r#"'<'\''&">' &lt;&apos;&amp;&quot;&gt; "<'&\">" '8080'"#);
        let text = "{{ hostile|sh }} {{ hostile|xml }} {{ hostile|nginx }}";
        insta::assert_snapshot!(rendered(Engine::Jinja, text).unwrap(), @r#"'<'\''&">' &lt;&apos;&amp;&quot;&gt; "<'&\">""#);
    }

    #[test]
    fn a_file_without_a_template_language_stays_as_it_is() {
        assert_eq!(
            rendered(Engine::Verbatim, "{{x}} {% y %}").unwrap(),
            "{{x}} {% y %}"
        );
    }
}
