//! The server's configuration: one TOML file, every key optional.
//!
//! [`Config::parse`] turns text into a [`Config`] that cannot be invalid, or into every mistake at once.
//! Nothing outside this module reads configuration; each core gets its own settings, made here.

mod conversation;
mod dialog_service;
mod fetching;
mod llm;
mod network;
mod reader;
mod recording;
mod webhook;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use media::{IdleSending, InbandDtmf};
use session::{CodecOrder, SrtpPolicy};
use speech::Language;
use toml::Table;

use crate::compat::Kind;
pub use crate::net::media::PortMode;

pub use conversation::TurnTakingConfig;
pub use llm::{LlmConfig, ProviderConfig};
pub use network::Network;
pub use reader::Mistake;
use reader::Section;
pub use recording::{RecorderConfig, RecordingStorageConfig};
pub use webhook::WebhookConfig;

/// Everything the server can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: ServerConfig,
    /// `[sip]`
    pub sip: SipConfig,
    /// `[mrcp]`
    pub mrcp: MrcpConfig,
    /// `[rtp]`
    pub rtp: RtpConfig,
    /// `[compat]`
    pub compat: CompatConfig,
    /// `[recognizer]`
    pub recognizer: RecognizerConfig,
    /// `[synthesizer]`
    pub synthesizer: SynthesizerConfig,
    /// `[basicsynth]`
    pub basicsynth: BasicSynthConfig,
    /// `[engine]`
    pub engine: engine::EngineConfig,
    /// `[dialog]`
    pub dialog: DialogConfig,
    /// `[conversation]`
    pub conversation: TurnTakingConfig,
    /// `[fetch]`
    pub fetch: fetch::FetchConfig,
    /// `[recorder]`
    pub recorder: RecorderConfig,
    /// `[storage]`
    pub storage: RecordingStorageConfig,
    /// `[http]`
    pub http: HttpConfig,
    /// `[log]`
    pub log: LogConfig,
}

/// `[server]`: what the whole process shares.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Address that SIP, MRCP and RTP listen on.
    pub address: IpAddr,
    /// Address written into SDP and Contact instead of the local one (NAT, containers).
    pub external_address: Option<IpAddr>,
    /// Most MRCP sessions at once; further INVITEs are answered 503.
    pub sessions_max: usize,
    /// Most MRCP sessions of one address at once.
    pub sessions_per_peer_max: usize,
    /// How long a drain waits for sessions to end by themselves.
    pub drain_grace: Duration,
    /// Language where neither request nor grammar names one.
    pub language: Language,
    /// Time zone in which "tomorrow" begins.
    pub time_zone: TimeZone,
}

/// `[sip]`
#[derive(Debug, Clone)]
pub struct SipConfig {
    /// Port for UDP and TCP.
    pub port: u16,
    /// Whether UDP is served.
    pub udp: bool,
    /// Whether TCP is served.
    pub tcp: bool,
    /// Session-Expires granted (RFC 4028); `None` turns session timers off.
    pub session_expires: Option<Duration>,
    /// Smallest Session-Expires accepted.
    pub min_se: Duration,
}

/// `[mrcp]`
#[derive(Debug, Clone)]
pub struct MrcpConfig {
    /// TCP port of the control connections.
    pub port: u16,
    /// Largest message accepted.
    pub message_bytes_max: usize,
    /// Most control connections at once.
    pub connections_max: usize,
    /// Most control connections from one address at once.
    pub connections_per_peer_max: usize,
    /// Most requests a second on one connection; what comes beyond waits.
    pub requests_per_second_max: u32,
    /// How long a connection that no channel uses is kept; `None`: until its peer closes it.
    pub idle: Option<Duration>,
    /// Least time between `200 IN-PROGRESS` and the COMPLETE event of the same request.
    pub completion_gap: Duration,
    /// Whether `a=connection:existing` is answered in kind; the default answers `new`.
    pub connection_reuse: bool,
    /// How long a client may take from its ACK to its first request; `None`: for ever.
    pub first_request_wait: Option<Duration>,
}

/// `[compat]`: how clients are treated, by how their User-Agent begins. The rules are in [`crate::compat`].
#[derive(Debug, Clone)]
pub struct CompatConfig {
    /// Clients that no list knows.
    pub unknown: Kind,
    /// Clients that are treated by the letter, whatever else knows them.
    pub strict: Vec<String>,
    /// Clients that are treated as stock PBXs are.
    pub field: Vec<String>,
    /// Clients whose results carry no namespace.
    pub without_namespace: Vec<String>,
}

/// `[rtp]`
#[derive(Debug, Clone)]
pub struct RtpConfig {
    /// First port of the range.
    pub port_min: u16,
    /// Last port of the range.
    pub port_max: u16,
    /// How ports of the range are given to streams.
    pub ports: PortMode,
    /// Whether streams follow their peer to where its packets come from.
    pub latching: media::Latching,
    /// Address written into SDP for peers outside of `local_networks`.
    pub external_ip: Option<IpAddr>,
    /// Peers that reach us by our own address.
    pub local_networks: Vec<Network>,
    /// How long nothing may come while somebody listens; `None`: for ever.
    pub timeout: Option<Duration>,
    /// What becomes of a session then.
    pub on_timeout: session::SilentPeer,
    /// Media worker threads.
    pub workers: usize,
    /// Codecs that are accepted, in our order.
    pub codecs: Vec<media::Codec>,
    /// Packet time sent where the peer does not ask for one.
    pub ptime_ms: u32,
    /// Largest delay that the jitter buffer may add.
    pub jitter_ms_max: u32,
    /// Whether audio is protected.
    pub srtp: SrtpPolicy,
    /// Whose order of codecs decides.
    pub codec_order: CodecOrder,
    /// What is sent while nothing is said.
    pub idle: IdleSending,
    /// Whether keys are looked for in the sound.
    pub inband_dtmf: InbandDtmf,
}

/// `[recognizer]`: defaults of the recognizer resource.
#[derive(Debug, Clone)]
pub struct RecognizerConfig {
    /// No-Input-Timeout where the client gives none.
    pub no_input_timeout: Duration,
    /// Recognition-Timeout where the client gives none.
    pub recognition_timeout: Duration,
    /// Speech-Complete-Timeout where the client gives none.
    pub speech_complete_timeout: Duration,
    /// Speech-Incomplete-Timeout where the client gives none.
    pub speech_incomplete_timeout: Duration,
    /// Dtmf-Interdigit-Timeout where the client gives none.
    pub dtmf_interdigit_timeout: Duration,
    /// Dtmf-Term-Timeout where the client gives none.
    pub dtmf_term_timeout: Duration,
    /// Confidence-Threshold where the client gives none.
    pub confidence_threshold: f32,
    /// Most alternatives in a result.
    pub n_best_max: u32,
    /// Grammars that one session may define and keep.
    pub grammars_max: usize,
    /// Bytes of the documents behind them.
    pub grammar_bytes_max: usize,
    /// Whether hotword mode is offered.
    pub hotword: bool,
    /// Speech that begins so soon in a recognition is refused as too early; zero: it is heard.
    pub speech_too_early_within: Duration,
    /// How long after the beginning of speech a key still takes over from it.
    pub key_takes_over_within: Duration,
    /// Form of the `<instance>` in NLSML results.
    pub instance_json: bool,
    /// Whether NLSML carries its default namespace.
    pub namespaced: bool,
    /// Whether silence ends with a document that says so, beside the completion cause.
    pub no_input_result: bool,
}

/// `[synthesizer]`: defaults of the synthesizer resource.
#[derive(Debug, Clone)]
pub struct SynthesizerConfig {
    /// Time between the last packet and SPEAK-COMPLETE.
    pub completion_tail: Duration,
    /// Most SPEAKs queued on one channel.
    pub queue_max: usize,
}

/// `[basicsynth]`: the synthesizer of clips.
#[derive(Debug, Clone)]
pub struct BasicSynthConfig {
    /// Directory of clips; `None`: a voice of the engine says their words.
    pub clips: Option<PathBuf>,
    /// Silence between two clips, in milliseconds.
    pub gap_ms: u32,
}

/// `[dialog]`: the service that leads conversations.
#[derive(Debug, Clone)]
pub struct DialogConfig {
    /// Addresses of a dialog service's instances, in the order in which they are tried; none runs the reference service in this process.
    pub addresses: Vec<String>,
    /// Where the embedded reference service listens.
    pub listen: SocketAddr,
    /// Flow of conversations that name none.
    pub flow: String,
    /// Directory of further flows for the embedded service.
    pub flows: Option<PathBuf>,
    /// How often the directory is looked at for changes; zero: never.
    pub flows_reload: Duration,
    /// Where the embedded service keeps conversations that other instances may go on with.
    pub state: Option<::dialog_service::StateConfig>,
    /// What tools of flows may reach.
    pub tools: ::dialog_service::ToolsConfig,
    /// Time for the service to produce the first text of a turn.
    pub first_text_timeout: Duration,
    /// Time for a whole turn.
    pub turn_timeout: Duration,
    /// Directory that gets the record of each conversation as a JSON file; `None` keeps none.
    pub records: Option<PathBuf>,
    /// How long a conversation without any session is kept.
    pub idle_timeout: Duration,
    /// What is said when the service fails, by language.
    pub fallback_english: String,
    /// As above, in Chinese.
    pub fallback_chinese: String,
    /// Number that a failed conversation is transferred to; `None` hangs up.
    pub fallback_target: Option<String>,
    /// Whether a caller who speaks stops the prompt of a conversation.
    pub barge_in: bool,
    /// Where records are delivered; `None`: nowhere.
    pub webhook: Option<WebhookConfig>,
    /// Language models of LLM-led flows, for the embedded service.
    pub llm: Option<LlmConfig>,
}

/// `[http]`
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where `/metrics`, `/healthz` and `/readyz` are served; `None` turns it off.
    pub listen: Option<SocketAddr>,
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// JSON lines instead of text.
    pub json: bool,
    /// Whether callers' words and numbers may appear.
    pub callers_words: bool,
}

impl Default for Config {
    fn default() -> Self {
        let mut mistakes = Vec::new();
        let config = Self::read(Table::new(), &mut mistakes);
        debug_assert!(mistakes.is_empty(), "the defaults are valid: {mistakes:?}");
        config
    }
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Every mistake in it, or one that says why it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Vec<Mistake>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            vec![Mistake { key: path.display().to_string(), value: String::new(), reason: error.to_string() }]
        })?;
        Self::parse(&text)
    }

    /// Reads configuration from TOML text.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            vec![Mistake {
                key: "file".to_owned(),
                value: String::new(),
                reason: format!("is not TOML: {}", error.to_string().trim_end()),
            }]
        })?;
        let mut mistakes = Vec::new();
        let config = Self::read(table, &mut mistakes);
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    fn read(mut root: Table, mistakes: &mut Vec<Mistake>) -> Self {
        let config = Self {
            server: read_server(&mut root, mistakes),
            sip: read_sip(&mut root, mistakes),
            mrcp: read_mrcp(&mut root, mistakes),
            rtp: read_rtp(&mut root, mistakes),
            compat: read_compat(&mut root, mistakes),
            recognizer: read_recognizer(&mut root, mistakes),
            synthesizer: read_synthesizer(&mut root, mistakes),
            basicsynth: read_basicsynth(&mut root, mistakes),
            engine: read_engine(&mut root, mistakes),
            dialog: read_dialog(&mut root, mistakes),
            conversation: conversation::read(&mut root, mistakes),
            fetch: fetching::read(&mut root, &crate::settings::product(), mistakes),
            recorder: recording::read_recorder(&mut root, mistakes),
            storage: recording::read_storage(&mut root, mistakes),
            http: read_http(&mut root, mistakes),
            log: read_log(&mut root, mistakes),
        };
        for (key, _) in root {
            mistakes.push(Mistake { key, value: String::new(), reason: "unknown table or key".to_owned() });
        }
        config
    }
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "must be a language tag: en or zh".to_owned())
}

fn time_zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| "must be a time zone of the IANA database, such as Asia/Shanghai".to_owned())
}

fn read_server(root: &mut Table, mistakes: &mut Vec<Mistake>) -> ServerConfig {
    let mut section = Section::take(root, "server", mistakes);
    let config = ServerConfig {
        address: section.ip("address", IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        external_address: section.parsed("external_address", None, |text| {
            text.parse().map(Some).map_err(|_| "must be an IP address".to_owned())
        }),
        sessions_max: section.count("sessions_max", 2000, 1..=100_000),
        sessions_per_peer_max: section.count("sessions_per_peer_max", 100_000, 1..=100_000),
        drain_grace: section.seconds("drain_grace_s", 30, 0..=3600),
        language: section.parsed("language", Language::English, language),
        time_zone: section.parsed("time_zone", TimeZone::system(), time_zone),
    };
    section.finish();
    config
}

fn read_sip(root: &mut Table, mistakes: &mut Vec<Mistake>) -> SipConfig {
    let mut section = Section::take(root, "sip", mistakes);
    let session_expires = section.integer("session_expires_s", 600, 0..=86_400);
    let config = SipConfig {
        port: section.port("port", 8060),
        udp: section.flag("udp", true),
        tcp: section.flag("tcp", true),
        session_expires: (session_expires > 0)
            .then(|| Duration::from_secs(u64::try_from(session_expires).unwrap_or(600))),
        min_se: section.seconds("min_se_s", 90, 1..=86_400),
    };
    if !config.udp && !config.tcp {
        section.reject("udp", false, "udp and tcp cannot both be off: nobody could call");
    }
    if config.session_expires.is_some_and(|expires| expires < config.min_se) {
        section.reject("session_expires_s", session_expires, "must not be below sip.min_se_s");
    }
    section.finish();
    config
}

fn read_mrcp(root: &mut Table, mistakes: &mut Vec<Mistake>) -> MrcpConfig {
    let mut section = Section::take(root, "mrcp", mistakes);
    let config = MrcpConfig {
        port: section.port("port", 1544),
        message_bytes_max: section.count("message_bytes_max", 1 << 20, 1024..=64 << 20),
        connections_max: section.count("connections_max", 4000, 1..=100_000),
        connections_per_peer_max: section.count("connections_per_peer_max", 100_000, 1..=100_000),
        requests_per_second_max: u32::try_from(section.integer("requests_per_second_max", 10_000, 1..=1_000_000))
            .unwrap_or(10_000),
        idle: Some(section.seconds("idle_s", 300, 0..=86_400)).filter(|idle| !idle.is_zero()),
        completion_gap: section.millis("completion_gap_ms", 20, 0..=1000),
        connection_reuse: section.flag("connection_reuse", false),
        first_request_wait: Some(section.seconds("first_request_wait_s", 600, 0..=86_400))
            .filter(|wait| !wait.is_zero()),
    };
    section.finish();
    config
}

fn read_compat(root: &mut Table, mistakes: &mut Vec<Mistake>) -> CompatConfig {
    let mut section = Section::take(root, "compat", mistakes);
    let agent = |text: &str| {
        if text.is_empty() { Err("must say how a User-Agent begins".to_owned()) } else { Ok(text.to_owned()) }
    };
    let config = CompatConfig {
        unknown: section.parsed("unknown", Kind::Careful, |text| {
            Kind::from_name(text).ok_or_else(|| "must be strict, careful or field".to_owned())
        }),
        strict: section.list("strict", Vec::new(), agent),
        field: section.list("field", Vec::new(), agent),
        without_namespace: section.list("without_namespace", Vec::new(), agent),
    };
    section.finish();
    config
}

fn read_rtp(root: &mut Table, mistakes: &mut Vec<Mistake>) -> RtpConfig {
    let mut section = Section::take(root, "rtp", mistakes);
    let config = RtpConfig {
        port_min: section.port("port_min", 20_000),
        ports: section.parsed("ports", PortMode::Auto, |text| match text {
            "auto" => Ok(PortMode::Auto),
            "shared" => Ok(PortMode::Shared),
            "range" => Ok(PortMode::Range),
            _ => Err("must be auto, shared or range".to_owned()),
        }),
        latching: section.parsed("latching", media::Latching::Handover, |text| match text {
            "off" => Ok(media::Latching::Off),
            "once" => Ok(media::Latching::Once),
            "handover" => Ok(media::Latching::Handover),
            _ => Err("must be off, once or handover".to_owned()),
        }),
        port_max: section.port("port_max", 29_999),
        external_ip: section
            .parsed("external_ip", None, |text| text.parse().map(Some).map_err(|_| "must be an IP address".to_owned())),
        local_networks: section.list("local_networks", Network::local(), Network::parse),
        timeout: Some(section.seconds("timeout_s", 60, 0..=86_400)).filter(|timeout| !timeout.is_zero()),
        on_timeout: section.parsed("on_timeout", session::SilentPeer::EndsSession, |text| match text {
            "bye" => Ok(session::SilentPeer::EndsSession),
            "event" => Ok(session::SilentPeer::EndsRecognition),
            _ => Err("must be bye or event".to_owned()),
        }),
        workers: section.count("workers", 1, 1..=64),
        codecs: section.list("codecs", media::Codec::ALL.to_vec(), |text| {
            media::Codec::from_name(text).ok_or_else(|| "must be PCMU, PCMA, L16, G722 or opus".to_owned())
        }),
        ptime_ms: u32::try_from(section.integer("ptime_ms", 20, 10..=60)).unwrap_or(20),
        jitter_ms_max: u32::try_from(section.integer("jitter_ms_max", 120, 20..=1000)).unwrap_or(120),
        srtp: section.parsed("srtp", SrtpPolicy::Optional, |text| match text {
            "off" => Ok(SrtpPolicy::Off),
            "optional" => Ok(SrtpPolicy::Optional),
            "required" => Ok(SrtpPolicy::Required),
            _ => Err("must be off, optional or required".to_owned()),
        }),
        codec_order: section.parsed("codec_order", CodecOrder::Offer, |text| match text {
            "offer" => Ok(CodecOrder::Offer),
            "ours" => Ok(CodecOrder::Ours),
            _ => Err("must be offer or ours".to_owned()),
        }),
        idle: section.parsed("idle", IdleSending::Nothing, |text| match text {
            "nothing" => Ok(IdleSending::Nothing),
            "silence" => Ok(IdleSending::Silence),
            "comfort-noise" => Ok(IdleSending::ComfortNoise),
            _ => Err("must be nothing, silence or comfort-noise".to_owned()),
        }),
        inband_dtmf: section.parsed("inband_dtmf", InbandDtmf::Auto, |text| match text {
            "off" => Ok(InbandDtmf::Off),
            "auto" => Ok(InbandDtmf::Auto),
            "on" => Ok(InbandDtmf::On),
            _ => Err("must be off, auto or on".to_owned()),
        }),
    };
    if config.port_min == 0 || config.port_min >= config.port_max {
        section.reject("port_min", config.port_min, "must be at least 1 and below rtp.port_max");
    }
    if !config.ptime_ms.is_multiple_of(10) {
        section.reject("ptime_ms", config.ptime_ms, "must be a multiple of 10");
    }
    if config.codecs.is_empty() {
        section.reject("codecs", "[]", "must name at least one codec");
    }
    section.finish();
    config
}

fn read_recognizer(root: &mut Table, mistakes: &mut Vec<Mistake>) -> RecognizerConfig {
    let mut section = Section::take(root, "recognizer", mistakes);
    let config = RecognizerConfig {
        no_input_timeout: section.millis("no_input_timeout_ms", 5_000, 0..=3_600_000),
        recognition_timeout: section.millis("recognition_timeout_ms", 20_000, 100..=3_600_000),
        speech_complete_timeout: section.millis("speech_complete_timeout_ms", 500, 100..=60_000),
        speech_incomplete_timeout: section.millis("speech_incomplete_timeout_ms", 1_000, 100..=60_000),
        dtmf_interdigit_timeout: section.millis("dtmf_interdigit_timeout_ms", 5_000, 100..=60_000),
        dtmf_term_timeout: section.millis("dtmf_term_timeout_ms", 2_000, 0..=60_000),
        confidence_threshold: section.fraction("confidence_threshold", 0.5),
        n_best_max: u32::try_from(section.count("n_best_max", 10, 1..=100)).unwrap_or(1),
        grammars_max: section.count("grammars_max", 256, 1..=100_000),
        grammar_bytes_max: section.count("grammar_bytes_max", 32 << 20, 1_024..=1 << 40),
        hotword: section.flag("hotword", true),
        speech_too_early_within: section.millis("speech_too_early_within_ms", 0, 0..=5_000),
        key_takes_over_within: section.millis("key_takes_over_within_ms", 1_000, 0..=60_000),
        instance_json: section.parsed("instance", true, |text| match text {
            "json" => Ok(true),
            "xml" => Ok(false),
            _ => Err("must be json or xml".to_owned()),
        }),
        namespaced: section.flag("namespaced", true),
        no_input_result: section.flag("no_input_result", false),
    };
    section.finish();
    config
}

fn read_synthesizer(root: &mut Table, mistakes: &mut Vec<Mistake>) -> SynthesizerConfig {
    let mut section = Section::take(root, "synthesizer", mistakes);
    let config = SynthesizerConfig {
        completion_tail: section.millis("completion_tail_ms", 200, 0..=5_000),
        queue_max: section.count("queue_max", 32, 1..=1000),
    };
    section.finish();
    config
}

fn read_basicsynth(root: &mut Table, mistakes: &mut Vec<Mistake>) -> BasicSynthConfig {
    let mut section = Section::take(root, "basicsynth", mistakes);
    let config = BasicSynthConfig {
        clips: section.text("clips").filter(|clips| !clips.is_empty()).map(PathBuf::from),
        gap_ms: u32::try_from(section.integer("gap_ms", 40, 0..=1_000)).unwrap_or(40),
    };
    section.finish();
    config
}

fn read_engine(root: &mut Table, mistakes: &mut Vec<Mistake>) -> engine::EngineConfig {
    let mut section = Section::take(root, "engine", mistakes);
    let is_fake = section.parsed("kind", false, |text| match text {
        "fake" => Ok(true),
        "sherpa" => Ok(false),
        _ => Err("must be sherpa or fake".to_owned()),
    });
    let (fake, sherpa) = (section.described("fake"), section.described("sherpa"));
    let config = engine::EngineConfig {
        backend: if is_fake { engine::Backend::Fake(fake) } else { engine::Backend::Sherpa(sherpa) },
        workers: section.described("workers"),
        limits: section.described("limits"),
        listening: section.described("listening"),
        prompt_cache: section.described("prompt_cache"),
    };
    section.finish();
    config
}

fn read_dialog(root: &mut Table, mistakes: &mut Vec<Mistake>) -> DialogConfig {
    let mut section = Section::take(root, "dialog", mistakes);
    let llm = section.table("llm");
    let webhook = section.table("webhook");
    let (state, tools) = (section.table("state"), section.table("tools"));
    let mut config = DialogConfig {
        addresses: section.several("address", |address| {
            if address.starts_with("http://") && address.len() > "http://".len() {
                Ok(address.to_owned())
            } else {
                Err("must be a URL such as http://127.0.0.1:9070, or several".to_owned())
            }
        }),
        listen: section.address("listen", SocketAddr::from(([127, 0, 0, 1], 9070))),
        flow: section.text("flow").unwrap_or_else(|| "follow-up".to_owned()),
        flows: section.text("flows").map(PathBuf::from),
        flows_reload: section.seconds("flows_reload_s", 2, 0..=3_600),
        state: None,
        tools: ::dialog_service::ToolsConfig::default(),
        first_text_timeout: section.millis("first_text_timeout_ms", 4_000, 100..=60_000),
        turn_timeout: section.millis("turn_timeout_ms", 30_000, 1_000..=600_000),
        records: section.text("records").map(PathBuf::from),
        idle_timeout: section.seconds("idle_timeout_s", 60, 1..=86_400),
        fallback_english: section
            .text("fallback_english")
            .unwrap_or_else(|| "I'm sorry, something went wrong on our side. Goodbye.".to_owned()),
        fallback_chinese: section
            .text("fallback_chinese")
            .unwrap_or_else(|| "对不起,我们的系统出了点问题,稍后再联系您。再见。".to_owned()),
        fallback_target: section.text("fallback_target").filter(|target| !target.is_empty()),
        barge_in: section.flag("barge_in", true),
        llm: None,
        webhook: None,
    };
    section.finish();
    config.state = state.and_then(|table| dialog_service::read_state(table, mistakes));
    if let Some(table) = tools {
        config.tools = dialog_service::read_tools(table, mistakes);
    }
    config.webhook = webhook.map(|table| webhook::read(table, mistakes));
    config.llm = llm.map(|table| llm::read(table, mistakes));
    config
}

fn read_http(root: &mut Table, mistakes: &mut Vec<Mistake>) -> HttpConfig {
    let mut section = Section::take(root, "http", mistakes);
    let enabled = section.flag("enabled", true);
    let listen = section.address("listen", SocketAddr::from(([127, 0, 0, 1], 9060)));
    section.finish();
    HttpConfig { listen: enabled.then_some(listen) }
}

fn read_log(root: &mut Table, mistakes: &mut Vec<Mistake>) -> LogConfig {
    let mut section = Section::take(root, "log", mistakes);
    let config = LogConfig {
        filter: section.parsed("filter", "info".to_owned(), |text| {
            tracing_subscriber::EnvFilter::try_new(text)
                .map(|_| text.to_owned())
                .map_err(|error| format!("is not a filter: {error}"))
        }),
        json: section.parsed("format", false, |text| match text {
            "text" => Ok(false),
            "json" => Ok(true),
            _ => Err("must be text or json".to_owned()),
        }),
        callers_words: section.flag("callers_words", false),
    };
    section.finish();
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_reported_at_once_with_key_value_and_reason() {
        let text = r#"
            bogus = 1
            [sip]
            port = 70000
            colour = "red"
            [rtp]
            port_min = "many"
            codecs = ["PCMU", "MP3"]
            [dialog]
            address = "here"
            [[dialog.llm.providers]]
            model = "m"
        "#;
        let mistakes = Config::parse(text).unwrap_err();
        let keys: Vec<&str> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "sip.port",
                "sip.colour",
                "rtp.port_min",
                "rtp.codecs",
                "dialog.address",
                "dialog.llm.providers[0].base_url",
                "bogus"
            ]
        );
        assert_eq!(mistakes[0].to_string(), "sip.port = 70000: must be from 0 to 65535");
        assert_eq!(mistakes[1].to_string(), "sip.colour = \"red\": unknown key");
    }

    #[test]
    fn text_that_is_not_toml_says_where() {
        let mistakes = Config::parse("[sip\nport = 1").unwrap_err();
        assert!(mistakes[0].reason.contains("line 1"), "{}", mistakes[0].reason);
    }

    #[test]
    fn the_documented_example_parses_names_every_key_and_states_the_defaults() {
        let text = include_str!("../../../../config/voxgate.toml");
        Config::parse(text).expect("the example as shipped");
        // With every commented key switched on, the example still parses and gives the defaults.
        let enabled: String = text
            .lines()
            .map(|line| match line.strip_prefix("#: ") {
                Some(key) => format!("{key}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        let config = Config::parse(&enabled).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let mut stated = config.clone();
        // These have no default value to state; the example shows one.
        let defaults = Config::default();
        stated.server.external_address = defaults.server.external_address;
        stated.rtp.external_ip = None;
        stated.server.time_zone = defaults.server.time_zone.clone();
        stated.basicsynth.clips = None;
        stated.engine = defaults.engine.clone();
        stated.dialog.addresses = defaults.dialog.addresses.clone();
        stated.dialog.webhook = None;
        stated.dialog.state = None;
        stated.dialog.tools = defaults.dialog.tools.clone();
        stated.dialog.flows = defaults.dialog.flows.clone();
        stated.dialog.records = defaults.dialog.records.clone();
        stated.dialog.fallback_target = defaults.dialog.fallback_target.clone();
        stated.dialog.llm = None;
        let (stated_patience, patience) = (&mut stated.conversation.patience, &defaults.conversation.patience);
        stated_patience.fillers = patience.fillers.clone();
        stated_patience.silence_prompts = patience.silence_prompts.clone();
        stated.fetch.file_root = None;
        stated.storage.folders = defaults.storage.folders.clone();
        stated.storage.listen = None;
        stated.storage.base_url = None;
        stated.fetch.allowed_networks = Vec::new();
        stated.fetch.ca_file = None;
        assert_eq!(format!("{stated:#?}"), format!("{defaults:#?}"));
    }
}
