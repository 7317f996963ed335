//! What our Handlebars can do besides printing variables: quoting, and conditions that don't take an unknown name for
//! "no", as the ones that Handlebars brings along do.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonTruthy, Output, RenderContext,
    RenderError, RenderErrorReason, Renderable, handlebars_helper,
};
use serde_json::Value;

use super::quote;

handlebars_helper!(Sh: |value: Value| quote::sh(&plain(&value)));
handlebars_helper!(Xml: |value: Value| quote::xml(&plain(&value)));
handlebars_helper!(Nginx: |value: Value| quote::nginx(&plain(&value)));

handlebars_helper!(Json: |value: Value| value.to_string());

/// Teaches them to `handlebars`.
pub fn register(handlebars: &mut Handlebars<'_>) {
    handlebars.register_helper("sh", Box::new(Sh));
    handlebars.register_helper("xml", Box::new(Xml));
    handlebars.register_helper("nginx", Box::new(Nginx));
    handlebars.register_helper("json", Box::new(Json));
    handlebars.register_helper("if", Box::new(Condition::If));
    handlebars.register_helper("unless", Box::new(Condition::Unless));
}

/// A value as a template prints it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

enum Condition {
    If,
    Unless,
}

impl HelperDef for Condition {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        handlebars: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rendering: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let param = helper
            .param(0)
            .ok_or(RenderErrorReason::ParamNotFoundForIndex("if", 0))?;
        if param.is_value_missing() {
            return Err(RenderError::strict_error(param.relative_path()));
        }
        let holds = param.value().is_truthy(false);
        let block = match (self, holds) {
            (Condition::If, true) | (Condition::Unless, false) => helper.template(),
            (Condition::If, false) | (Condition::Unless, true) => helper.inverse(),
        };
        match block {
            Some(block) => block.render(handlebars, context, rendering, out),
            None => Ok(()),
        }
    }
}
