//! `[dialog.state]` and `[dialog.tools]`: what the embedded dialog service shares and reaches.

use dialog_service::{ApiKey, StateConfig, ToolsConfig};
use toml::Table;

use super::reader::{Mistake, Section};

pub(super) fn read_state(table: Table, mistakes: &mut Vec<Mistake>) -> Option<StateConfig> {
    let mut wrapped = Table::from_iter([("dialog.state".to_owned(), toml::Value::Table(table))]);
    let mut section = Section::take(&mut wrapped, "dialog.state", mistakes);
    let url = section.text("url");
    let variable = section.text("url_env");
    let timeout = section.millis("timeout_ms", 500, 50..=10_000);
    let url = match (url, variable) {
        (Some(_), Some(variable)) => {
            section.reject("url_env", variable, "is not for where there is a url");
            None
        }
        (Some(url), None) => Some(url),
        (None, Some(variable)) => {
            let url = std::env::var(&variable).ok().filter(|url| !url.is_empty());
            if url.is_none() {
                section.reject("url_env", &variable, "names an environment variable that is not set");
            }
            url
        }
        (None, None) => {
            section.reject("url", "\"\"", "is needed where [dialog.state] is given");
            None
        }
    };
    let is_known =
        |url: &String| ["redis://", "postgres://", "postgresql://"].iter().any(|known| url.starts_with(known));
    if url.as_ref().is_some_and(|url| !is_known(url)) {
        // It may hold a password, so it is not told.
        section.reject("url", "…", "must begin with redis:// or postgres://");
    }
    section.finish();
    url.filter(is_known).map(|url| StateConfig { url, timeout })
}

pub(super) fn read_tools(table: Table, mistakes: &mut Vec<Mistake>) -> ToolsConfig {
    let mut wrapped = Table::from_iter([("dialog.tools".to_owned(), toml::Value::Table(table))]);
    let mut section = Section::take(&mut wrapped, "dialog.tools", mistakes);
    let defaults = ToolsConfig::default();
    let config = ToolsConfig {
        hosts: section.list("hosts", Vec::new(), |host| {
            if host.is_empty() || host.contains(['/', '@', ' ']) {
                Err("must be a host, with its port where it is not the scheme's own".to_owned())
            } else {
                Ok(host.to_owned())
            }
        }),
        headers: section.list("headers", Vec::new(), |header| {
            let (name, variable) = header.split_once(':').ok_or("must be NAME: ENVIRONMENT_VARIABLE")?;
            let value = ApiKey::from_environment(variable.trim())
                .ok_or_else(|| format!("the environment variable {} is not set", variable.trim()))?;
            Ok((name.trim().to_owned(), value))
        }),
        connect_timeout: section.millis("connect_timeout_ms", 1_000, 50..=20_000),
        answer_bytes_max: section.count("answer_bytes_max", defaults.answer_bytes_max, 1_024..=16_777_216),
    };
    section.finish();
    config
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_store_and_the_hosts_are_read() {
        let config = Config::parse(
            "[dialog.state]\nurl = \"redis://127.0.0.1\"\n[dialog.tools]\nhosts = [\"orders.example.com\", \"127.0.0.1:8080\"]",
        )
        .unwrap();
        assert_eq!(config.dialog.state.unwrap().url, "redis://127.0.0.1");
        assert_eq!(config.dialog.tools.hosts, ["orders.example.com", "127.0.0.1:8080"]);
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_no_password_told() {
        for (text, told) in [
            ("[dialog.state]\ntimeout_ms = 100", "dialog.state.url"),
            ("[dialog.state]\nurl = \"mysql://u:secret@h\"", "redis://"),
            ("[dialog.state]\nurl_env = \"VOXGATE_NO_SUCH_VARIABLE\"", "not set"),
            ("[dialog.tools]\nhosts = [\"http://orders\"]", "host"),
            ("[dialog.tools]\nheaders = [\"X-Token: VOXGATE_NO_SUCH_VARIABLE\"]", "not set"),
        ] {
            let mistakes = Config::parse(text).unwrap_err();
            let all = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(all.contains(told) && !all.contains("secret@"), "{text}: {all}");
        }
    }
}
