//! From the server's configuration to what each core wants to be told.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use conversation::{Action, ConversationConfig, Fallback};
use dialog_service::{ApiKey, DialogServiceConfig, DialogServiceError, OpenAiConfig, ProviderError, ProvidersConfig};
use mrcp::connection::ConnectionConfig;
use mrcp::recognizer::{RecognizerConfig, RecognizerDefaults};
use mrcp::synthesizer::{NtpAnchor, SynthesizerConfig};
use session::{ClipIndex, DescriptionConfig, Families, GrammarConfig, RequestIds, ResultStyle, SessionConfig};
use sip::dialog::{DialogConfig, SessionTimerConfig};
use sip::endpoint::EndpointConfig;
use speech::nlsml::InstanceForm;
use speech::{GrammarLimits, ResultFormat};

use crate::config::{Config, ProviderConfig};

/// What `speech::Language` knows, as SET-PARAMS may name it; whether an engine hears it is seen when it is asked to.
const LANGUAGES: [&str; 3] = ["en", "zh", "cmn"];
/// Time beyond that of a fetch for what was fetched to be compiled or decoded.
const LOADING: Duration = Duration::from_secs(5);
/// The BYE that belongs to a lost connection comes within this time.
const CONNECTION_GRACE: Duration = Duration::from_secs(2);

/// Name and version, as they go into Server and User-Agent.
pub(crate) fn product() -> String {
    format!("Voxgate/{}", env!("CARGO_PKG_VERSION"))
}

pub(crate) fn endpoint(config: &Config) -> EndpointConfig {
    EndpointConfig {
        // A dialog lives a little longer than its session's place.
        dialogs_max: config.server.sessions_max.saturating_mul(2),
        product: Some(product()),
        ..EndpointConfig::default()
    }
}

pub(crate) fn connection(config: &Config) -> ConnectionConfig {
    let mut connection = ConnectionConfig::default();
    connection.limits.message_bytes_max = config.mrcp.message_bytes_max;
    connection.requests_per_second_max = config.mrcp.requests_per_second_max;
    connection
}

/// What sockets bound to that address reach: the unspecified IPv6 address takes both families.
fn families(bound: IpAddr) -> Families {
    match bound {
        IpAddr::V4(_) => Families { ipv4: true, ipv6: false },
        IpAddr::V6(address) => Families { ipv4: address.is_unspecified(), ipv6: true },
    }
}

/// `voices` are the engine's; `ntp` is the one tie of this process between its clock and NTP time.
pub(crate) fn session(
    config: &Config,
    mrcp_port: u16,
    voices: Vec<String>,
    clips: Option<Arc<ClipIndex>>,
    ntp: NtpAnchor,
) -> SessionConfig {
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    let recognizer = &config.recognizer;
    SessionConfig {
        dialog: Arc::new(DialogConfig {
            session_timer: config.sip.session_expires.map(|expires| SessionTimerConfig {
                expires_s: seconds(expires),
                min_se_s: seconds(config.sip.min_se),
            }),
            ..DialogConfig::default()
        }),
        description: DescriptionConfig {
            mrcp_port,
            codecs: config.rtp.codecs.clone(),
            ptime_ms: config.rtp.ptime_ms,
            codec_order: config.rtp.codec_order,
            srtp: config.rtp.srtp,
            has_clips: clips.is_some(),
            connection_reuse: config.mrcp.connection_reuse,
            cmid_optional: true,
            families: families(config.server.address),
        },
        recognizer: Arc::new(RecognizerConfig {
            completion_gap: config.mrcp.completion_gap,
            // A dialog service may answer inline.
            result_timeout: config.dialog.turn_timeout + Duration::from_secs(5),
            // The failure of a fetch, which names the URI, is told before.
            grammar_timeout: config.fetch.timeout_max + LOADING,
            decoded_bytes_max: config.fetch.document_bytes_max,
            hotword: recognizer.hotword,
            n_best_max: recognizer.n_best_max,
            speech_too_early_within: Some(recognizer.speech_too_early_within).filter(|within| !within.is_zero()),
            key_takes_over_within: recognizer.key_takes_over_within,
            languages: LANGUAGES.map(str::to_owned).to_vec(),
            defaults: RecognizerDefaults {
                confidence_threshold: recognizer.confidence_threshold,
                no_input_timeout: recognizer.no_input_timeout,
                recognition_timeout: recognizer.recognition_timeout,
                speech_complete_timeout: recognizer.speech_complete_timeout,
                speech_incomplete_timeout: recognizer.speech_incomplete_timeout,
                dtmf_interdigit_timeout: recognizer.dtmf_interdigit_timeout,
                dtmf_term_timeout: recognizer.dtmf_term_timeout,
                ..RecognizerDefaults::default()
            },
            ..RecognizerConfig::default()
        }),
        synthesizer: Arc::new(SynthesizerConfig {
            completion_gap: config.mrcp.completion_gap,
            completion_tail: config.synthesizer.completion_tail,
            pending_max: config.synthesizer.queue_max,
            // A document may lead to recordings.
            prepare_timeout: config.fetch.timeout_max * 2 + LOADING,
            decoded_bytes_max: config.fetch.document_bytes_max,
            voices,
            ntp: Some(ntp),
            ..SynthesizerConfig::default()
        }),
        recorder: Arc::new(mrcp::recorder::RecorderConfig {
            completion_gap: config.mrcp.completion_gap,
            // Storing elsewhere has the time of a fetch, and is told after it.
            save_timeout: config.fetch.timeout_max + Duration::from_secs(5),
            max_time_max: config.recorder.max_time_max,
            defaults: mrcp::recorder::RecorderDefaults {
                no_input_timeout: config.recorder.no_input_timeout,
                final_silence: config.recorder.final_silence,
                ..mrcp::recorder::RecorderDefaults::default()
            },
            ..mrcp::recorder::RecorderConfig::default()
        }),
        clips,
        grammars: Arc::new(GrammarConfig {
            stored_max: recognizer.grammars_max,
            stored_bytes_max: recognizer.grammar_bytes_max,
            limits: GrammarLimits { document_bytes_max: config.fetch.document_bytes_max, ..GrammarLimits::default() },
            ..GrammarConfig::default()
        }),
        language: config.server.language,
        results: ResultStyle {
            format: ResultFormat::Nlsml,
            instance: if recognizer.instance_json { InstanceForm::Json } else { InstanceForm::Xml },
            namespaced: recognizer.namespaced,
            no_input: recognizer.no_input_result,
            barge_in: config.dialog.barge_in,
        },
        request_ids: RequestIds::Session,
        first_request_wait: config.mrcp.first_request_wait,
        silent_peer: config.rtp.on_timeout,
        connection_grace: CONNECTION_GRACE,
    }
}

pub(crate) fn conversation(config: &Config) -> ConversationConfig {
    let dialog = &config.dialog;
    ConversationConfig {
        language: config.server.language,
        first_event_timeout: dialog.first_text_timeout,
        linger: dialog.idle_timeout,
        end_of_turn: config.conversation.end_of_turn,
        speculation: config.conversation.speculation,
        patience: config.conversation.patience.clone(),
        fallback: Fallback {
            english: dialog.fallback_english.clone(),
            chinese: dialog.fallback_chinese.clone(),
            action: match &dialog.fallback_target {
                Some(target) => {
                    Action::Transfer { target: target.clone(), summary: "the dialog service failed".to_owned() }
                }
                None => Action::Hangup { reason: "service-failed".to_owned() },
            },
        },
        ..ConversationConfig::default()
    }
}

/// # Errors
/// When a model's key cannot be read.
pub(crate) fn dialog_service(config: &Config) -> Result<DialogServiceConfig, DialogServiceError> {
    let dialog = &config.dialog;
    Ok(DialogServiceConfig {
        listen: dialog.listen,
        flows: dialog.flows.clone(),
        default_flow: dialog.flow.clone(),
        models: match &dialog.llm {
            Some(llm) => ProvidersConfig {
                providers: llm.providers.iter().map(provider).collect::<Result<_, _>>()?,
                answer_within: llm.answer_within,
                call_tokens_max: llm.call_tokens_max,
            },
            None => ProvidersConfig::new(Vec::new()),
        },
        summary_within: dialog.llm.as_ref().map_or(Duration::ZERO, |llm| llm.summary_within),
        flows_reload: dialog.flows_reload,
        state: dialog.state.clone(),
        tools: dialog.tools.clone(),
        ..DialogServiceConfig::default()
    })
}

/// A provider with its key.
fn provider(config: &ProviderConfig) -> Result<OpenAiConfig, DialogServiceError> {
    let key = match (&config.key_file, &config.key_variable) {
        (Some(path), _) => Some(ApiKey::from_file(path).map_err(|error| {
            let reason = format!("the key of {} cannot be read: {}: {error}", config.settings.model, path.display());
            DialogServiceError::Provider(ProviderError::Configuration(reason))
        })?),
        (None, Some(name)) => ApiKey::from_environment(name),
        (None, None) => None,
    };
    Ok(OpenAiConfig { key, ..config.settings.clone() })
}
