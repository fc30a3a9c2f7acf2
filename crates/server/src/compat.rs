//! What differs between clients: one table, resolved from the User-Agent of the INVITE. Cores know settings, not names.
//!
//! RFC 6787 holds for everybody; `Rules` are the points where clients in the field need something else. Whatever is not here
//! is the same for all.

use std::sync::Arc;

use mrcp::IgnoredHeaders;
use session::{RequestIds, SessionConfig};

use crate::config::CompatConfig;

/// How a kind of client is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rules {
    /// What request identifiers rise over (RFC 6787, section 5.2).
    request_ids: RequestIds,
    /// What a success is answered that ignored a header (section 5.4).
    ignored_headers: IgnoredHeaders,
    /// Whether a RECOGNIZE without Cancel-If-Queue gets 406 (section 9.4.27); else that counts as `false`.
    cancel_if_queue_required: bool,
    /// Whether a control line without `cmid` has the only audio line (section 4.4 gives it none).
    cmid_optional: bool,
    /// Whether a queued SPEAK that starts is told by SPEECH-MARKER (section 8.13). Stock clients stop playing at a marker that they
    /// did not ask for.
    start_markers: bool,
}

/// Kinds of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By the letter of the RFC.
    Strict,
    /// By the RFC, where that does no harm: for clients that nobody knows.
    Careful,
    /// As stock PBXs need it.
    Field,
}

impl Kind {
    /// The kind of that name, as the configuration has it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "strict" => Some(Self::Strict),
            "careful" => Some(Self::Careful),
            "field" => Some(Self::Field),
            _ => None,
        }
    }

    const ALL: [Self; 3] = [Self::Strict, Self::Careful, Self::Field];

    /// The table.
    const fn rules(self) -> Rules {
        match self {
            Self::Strict => Rules {
                request_ids: RequestIds::Session,
                ignored_headers: IgnoredHeaders::SuccessHeadersIgnored,
                cancel_if_queue_required: true,
                cmid_optional: false,
                start_markers: true,
            },
            Self::Careful => Rules {
                request_ids: RequestIds::Session,
                ignored_headers: IgnoredHeaders::SuccessHeadersIgnored,
                cancel_if_queue_required: false,
                cmid_optional: true,
                start_markers: true,
            },
            Self::Field => Rules {
                request_ids: RequestIds::Channel,
                ignored_headers: IgnoredHeaders::Success,
                cancel_if_queue_required: false,
                cmid_optional: true,
                start_markers: false,
            },
        }
    }
}

/// Clients in the field, by how their User-Agent begins: FreeSWITCH's mod_unimrcp, Asterisk's own stack, and what is built on
/// UniMRCP's client, Asterisk's modules among them.
const FIELD_AGENTS: [&str; 3] = ["FreeSWITCH", "Asterisk", "UniMRCP"];

/// The settings of sessions for each kind of client.
#[derive(Debug)]
pub(crate) struct Compat {
    config: CompatConfig,
    /// In the order of [`Kind::ALL`], with the namespace of results and without.
    settings: Vec<[Arc<SessionConfig>; 2]>,
}

impl Compat {
    /// Applies the table to the settings that hold for all.
    pub(crate) fn new(config: CompatConfig, common: &SessionConfig) -> Self {
        let settings = Kind::ALL.map(|kind| {
            let of_kind = apply(kind.rules(), common);
            let mut without = of_kind.clone();
            without.results.namespaced = false;
            [Arc::new(of_kind), Arc::new(without)]
        });
        Self { config, settings: settings.to_vec() }
    }

    /// The settings for a client. `is_connected`: whether it has a control connection that another session may share.
    pub(crate) fn settings(&self, agent: &str, is_connected: bool) -> Arc<SessionConfig> {
        let kind = self.kind(agent);
        let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| begins_with(agent, prefix));
        let at = Kind::ALL.iter().position(|known| *known == kind).unwrap_or(0);
        let of_kind = self.settings.get(at);
        let [with, without] = of_kind.unwrap_or_else(|| unreachable!("there are settings for every kind"));
        let settings = Arc::clone(if begins(&self.config.without_namespace) { without } else { with });
        if settings.description.connection_reuse && !is_connected {
            // There is none to share: RFC 6787, section 4.2, has `new` then.
            let mut settings = (*settings).clone();
            settings.description.connection_reuse = false;
            return Arc::new(settings);
        }
        settings
    }

    fn kind(&self, agent: &str) -> Kind {
        let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| begins_with(agent, prefix));
        if begins(&self.config.strict) {
            Kind::Strict
        } else if begins(&self.config.field) || FIELD_AGENTS.iter().any(|prefix| begins_with(agent, prefix)) {
            Kind::Field
        } else {
            self.config.unknown
        }
    }
}

fn begins_with(agent: &str, prefix: &str) -> bool {
    agent.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn apply(rules: Rules, common: &SessionConfig) -> SessionConfig {
    let mut settings = common.clone();
    let mut recognizer = (*settings.recognizer).clone();
    recognizer.ignored_headers = rules.ignored_headers;
    recognizer.cancel_if_queue_required = rules.cancel_if_queue_required;
    settings.recognizer = Arc::new(recognizer);
    let mut synthesizer = (*settings.synthesizer).clone();
    synthesizer.ignored_headers = rules.ignored_headers;
    synthesizer.start_markers = rules.start_markers;
    settings.synthesizer = Arc::new(synthesizer);
    let mut recorder = (*settings.recorder).clone();
    recorder.ignored_headers = rules.ignored_headers;
    settings.recorder = Arc::new(recorder);
    settings.request_ids = rules.request_ids;
    settings.description.cmid_optional = rules.cmid_optional;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn compat(text: &str) -> Compat {
        let config = Config::parse(text).expect("valid");
        let ntp = mrcp::synthesizer::NtpAnchor { at: testkit::epoch(), ntp: 0 };
        Compat::new(config.compat.clone(), &crate::settings::session(&config, 1544, Vec::new(), None, ntp))
    }

    #[test]
    fn stock_clients_are_known_by_how_their_user_agent_begins() {
        let compat = compat("");
        for agent in ["FreeSWITCH mod_unimrcp", "UniMRCP SofiaSIP 1.8.0", "Asterisk", "freeswitch"] {
            assert_eq!(compat.kind(agent), Kind::Field, "{agent}");
        }
        for agent in ["", "SIPp", "Voxgate/1", "My FreeSWITCH", "é"] {
            assert_eq!(compat.kind(agent), Kind::Careful, "{agent}");
        }
    }

    #[test]
    fn the_configuration_beats_the_table() {
        let text = "[compat]\nunknown = \"strict\"\nfield = [\"My PBX\"]\nstrict = [\"UniMRCP SofiaSIP 9\"]";
        let compat = compat(text);
        assert_eq!(compat.kind("My PBX 2"), Kind::Field);
        assert_eq!(compat.kind("UniMRCP SofiaSIP 9.1"), Kind::Strict);
        assert_eq!(compat.kind("UniMRCP SofiaSIP 1.8.0"), Kind::Field);
        assert_eq!(compat.kind("SIPp"), Kind::Strict);
    }

    #[test]
    fn int_008_results_go_without_namespace_to_clients_that_read_only_such() {
        let compat = compat("[compat]\nwithout_namespace = [\"Old reader\"]");
        assert!(!compat.settings("Old reader 1", false).results.namespaced);
        assert!(compat.settings("FreeSWITCH", false).results.namespaced);
    }

    #[test]
    fn ses_007_ses_008_a_connection_is_shared_only_where_there_is_one() {
        let compat = compat("[mrcp]\nconnection_reuse = true");
        assert!(!compat.settings("FreeSWITCH", false).description.connection_reuse);
        assert!(compat.settings("FreeSWITCH", true).description.connection_reuse);
    }

    #[test]
    fn the_rules_reach_the_settings_of_every_core() {
        let compat = compat("");
        let (field, careful) = (compat.settings("FreeSWITCH", false), compat.settings("SIPp", false));
        assert_eq!((field.request_ids, careful.request_ids), (RequestIds::Channel, RequestIds::Session));
        assert_eq!(field.synthesizer.ignored_headers, IgnoredHeaders::Success);
        assert_eq!(careful.recognizer.ignored_headers, IgnoredHeaders::SuccessHeadersIgnored);
        assert!(!careful.recognizer.cancel_if_queue_required);
        assert!(careful.synthesizer.start_markers && !field.synthesizer.start_markers);
    }
}
