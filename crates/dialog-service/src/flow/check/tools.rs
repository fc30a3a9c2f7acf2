//! Tools.

use std::time::Duration;

use super::Checker;
use crate::flow::{
    ToolId,
    document::{ArgumentDoc, At, ToolDoc},
    text::Template,
    tool::{Argument, Tool, ToolMethod},
};

/// How long a tool may take, unless the flow says otherwise.
const TIMEOUT_MS: u32 = 3000;
/// Callers do not wait longer.
const TIMEOUT_MS_MAX: u32 = 20_000;

impl Checker {
    pub(super) fn tool_id(&mut self, name: &At<String>) -> ToolId {
        self.tools.get(&name.value).copied().unwrap_or_else(|| {
            self.error(name.at, format!("there is no tool {:?}", name.value));
            ToolId(0)
        })
    }

    pub(super) fn tool(&mut self, name: &At<String>, document: &ToolDoc) -> Tool {
        let method = match document.method.as_ref().map_or("POST", |method| method.value.as_str()) {
            "GET" => ToolMethod::Get,
            "POST" => ToolMethod::Post,
            "PUT" => ToolMethod::Put,
            "DELETE" => ToolMethod::Delete,
            other => {
                let message = format!("{other:?} is not a method; there are GET, POST, PUT and DELETE");
                self.error(document.method.as_ref().map_or(name.at, |method| method.at), message);
                ToolMethod::Post
            }
        };
        let arguments = document
            .arguments
            .0
            .iter()
            .map(|(name, argument)| {
                let argument = match argument {
                    ArgumentDoc::Template(text) => Argument::Template(self.template_with_secrets(text.at, &text.value)),
                    ArgumentDoc::Slot(slot) => Argument::Slot(self.slot_id(slot)),
                };
                (name.value.clone(), argument)
            })
            .collect();
        let result = document.result.0.iter().map(|(slot, pointer)| {
            if !pointer.value.is_empty() && !pointer.value.starts_with('/') {
                self.error(pointer.at, format!("{:?} is no JSON pointer: it begins with \"/\"", pointer.value));
            }
            (self.slot_id(slot), pointer.value.clone())
        });
        let result = result.collect();
        let timeout_ms = document.timeout_ms.as_ref().map_or(TIMEOUT_MS, |timeout| timeout.value);
        if let Some(timeout) =
            document.timeout_ms.as_ref().filter(|timeout| !(100..=TIMEOUT_MS_MAX).contains(&timeout.value))
        {
            self.error(timeout.at, format!("timeout_ms may be 100 to {TIMEOUT_MS_MAX}"));
        }
        let idempotency_header = document.idempotency_header.as_ref().map(|header| {
            let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if header.value.is_empty() || !header.value.chars().all(is_token) {
                self.error(header.at, format!("{:?} is no name of a header", header.value));
            }
            header.value.clone()
        });
        let (url, host) = self.address(&document.url);
        Tool {
            name: name.value.clone(),
            method,
            url,
            host,
            arguments,
            result,
            timeout: Duration::from_millis(timeout_ms.into()),
            idempotency_header,
            sorry: self.text(&document.sorry),
        }
    }

    /// The address and its host, which is fixed: what a caller says never chooses who is asked.
    fn address(&mut self, document: &At<String>) -> (Template, String) {
        let template = self.template_with_secrets(document.at, &document.value);
        let host = match url::Url::parse(&document.value.replace(['{', '}', '|'], "_")) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                self.error(document.at, "the address of a tool begins with http:// or https://");
                String::new()
            }
            Ok(url) => match (url.host_str(), url.port()) {
                (Some(host), Some(port)) => format!("{host}:{port}"),
                (Some(host), None) => host.to_owned(),
                (None, _) => String::new(),
            },
            Err(why) => {
                self.error(document.at, format!("{:?} is no address: {why}", document.value));
                String::new()
            }
        };
        let head: String = document
            .value
            .split("://")
            .nth(1)
            .unwrap_or_default()
            .split(['/', '?'])
            .next()
            .unwrap_or_default()
            .to_owned();
        if head.contains('{') || head.contains('@') {
            self.error(document.at, "the host of a tool has no places and no password");
        }
        (template, host)
    }
}
