//! The one table of what each resource has (RFC 6787 §8.2–§8.4, §9.2–§9.4, §10.2–§10.4): its methods, the headers of each, and
//! the parameters that SET-PARAMS and GET-PARAMS know.
//!
//! A new method or header is a line here. What is not in the table is refused by itself: a method with 401, a parameter with 403;
//! a header on a request that does not have it is ignored and said to be ([`IgnoredHeaders`](crate::IgnoredHeaders)).

use crate::{HeaderName, Method, Resource};
use {HeaderName as H, Method as M};

/// A method of a resource and what its requests may have beyond [`ON_ANY_REQUEST`].
struct MethodRow {
    method: Method,
    headers: &'static [HeaderName],
}

/// What a resource has.
struct ResourceRow {
    /// Besides SET-PARAMS and GET-PARAMS, whose headers are the parameters.
    methods: &'static [MethodRow],
    /// Parameters beyond [`GENERIC_PARAMETERS`].
    parameters: &'static [HeaderName],
}

/// Generic headers that any request may have (§6.2). Bodies that are not needed are ignored, and so are their headers.
/// Logging-Tag is a parameter by §6.2.14; stock clients send it with requests.
const ON_ANY_REQUEST: &[HeaderName] = &[
    H::Accept,
    H::AcceptCharset,
    H::ContentType,
    H::ContentId,
    H::ContentBase,
    H::ContentEncoding,
    H::ContentLocation,
    H::CacheControl,
    H::LoggingTag,
    H::SetCookie,
    H::SetCookie2,
    H::VendorSpecificParameters,
];

/// Generic parameters (§6.2) and the older cookie header that a stock client reads.
const GENERIC_PARAMETERS: &[HeaderName] = &[
    H::Accept,
    H::AcceptCharset,
    H::FetchTimeout,
    H::CacheControl,
    H::LoggingTag,
    H::SetCookie,
    H::SetCookie2,
    H::VendorSpecificParameters,
];

/// Headers that are optional and change nothing here: the engines have one way to decode, and no profiles of speakers.
pub(crate) const WITHOUT_EFFECT: &[HeaderName] = &[H::SpeedVsAccuracy, H::SpeakerProfile];

/// The domain, reversed, of the vendor-specific parameters that mean something here (§6.2.16, §13.1.6).
pub(crate) const VENDOR_DOMAIN: &str = "com.voxgate.";

const SYNTHESIZER: ResourceRow = ResourceRow {
    methods: &[
        MethodRow {
            method: M::Speak,
            headers: &[
                H::FetchTimeout,
                H::JumpSize,
                H::KillOnBargeIn,
                H::SpeakerProfile,
                H::VoiceGender,
                H::VoiceAge,
                H::VoiceVariant,
                H::VoiceName,
                H::ProsodyPitch,
                H::ProsodyContour,
                H::ProsodyRange,
                H::ProsodyRate,
                H::ProsodyDuration,
                H::ProsodyVolume,
                H::SpeechLanguage,
                H::FetchHint,
                H::AudioFetchHint,
                H::SpeakLength,
                H::LexiconSearchOrder,
            ],
        },
        MethodRow { method: M::Stop, headers: &[H::ActiveRequestIdList] },
        MethodRow { method: M::Pause, headers: &[H::ActiveRequestIdList] },
        MethodRow { method: M::Resume, headers: &[H::ActiveRequestIdList] },
        MethodRow { method: M::BargeInOccurred, headers: &[H::ActiveRequestIdList, H::ProxySyncId] },
        MethodRow {
            method: M::Control,
            headers: &[
                H::ActiveRequestIdList,
                H::JumpSize,
                H::SpeakLength,
                H::VoiceGender,
                H::VoiceAge,
                H::VoiceVariant,
                H::VoiceName,
                H::ProsodyPitch,
                H::ProsodyContour,
                H::ProsodyRange,
                H::ProsodyRate,
                H::ProsodyDuration,
                H::ProsodyVolume,
            ],
        },
        MethodRow { method: M::DefineLexicon, headers: &[H::FetchTimeout, H::LoadLexicon, H::SpeechLanguage] },
    ],
    parameters: &[
        H::KillOnBargeIn,
        H::VoiceGender,
        H::VoiceAge,
        H::VoiceVariant,
        H::VoiceName,
        H::ProsodyPitch,
        H::ProsodyRate,
        H::ProsodyVolume,
        H::SpeechLanguage,
        H::FetchHint,
        H::AudioFetchHint,
        H::LexiconSearchOrder,
    ],
};

const RECOGNIZER: ResourceRow = ResourceRow {
    methods: &[
        MethodRow { method: M::DefineGrammar, headers: &[H::FetchTimeout, H::SpeechLanguage] },
        MethodRow {
            method: M::Recognize,
            headers: &[
                H::FetchTimeout,
                H::ConfidenceThreshold,
                H::SensitivityLevel,
                H::SpeedVsAccuracy,
                H::NBestListLength,
                H::NoInputTimeout,
                H::RecognitionTimeout,
                H::MediaType,
                H::InputWaveformUri,
                H::StartInputTimers,
                H::SpeechCompleteTimeout,
                H::SpeechIncompleteTimeout,
                H::DtmfInterdigitTimeout,
                H::DtmfTermTimeout,
                H::DtmfTermChar,
                H::SaveWaveform,
                H::NewAudioChannel,
                H::SpeechLanguage,
                H::VerBufferUtterance,
                H::RecognitionMode,
                H::CancelIfQueue,
                H::HotwordMaxDuration,
                H::HotwordMinDuration,
                H::ClearDtmfBuffer,
                H::EarlyNoMatch,
                H::EnrollUtterance,
            ],
        },
        MethodRow {
            method: M::Interpret,
            headers: &[
                H::FetchTimeout,
                H::InterpretText,
                H::SpeechLanguage,
                H::ConfidenceThreshold,
                H::NBestListLength,
            ],
        },
        MethodRow { method: M::GetResult, headers: &[H::ConfidenceThreshold, H::NBestListLength] },
        MethodRow { method: M::StartInputTimers, headers: &[] },
        MethodRow { method: M::Stop, headers: &[H::ActiveRequestIdList] },
    ],
    parameters: &[
        H::ConfidenceThreshold,
        H::SensitivityLevel,
        H::SpeedVsAccuracy,
        H::NBestListLength,
        H::NoInputTimeout,
        H::RecognitionTimeout,
        H::SpeechCompleteTimeout,
        H::SpeechIncompleteTimeout,
        H::DtmfInterdigitTimeout,
        H::DtmfTermTimeout,
        H::DtmfTermChar,
        H::DtmfBufferTime,
        H::SaveWaveform,
        H::MediaType,
        H::SpeechLanguage,
    ],
};

const RECORDER: ResourceRow = ResourceRow {
    methods: &[
        MethodRow {
            method: M::Record,
            headers: &[
                H::FetchTimeout,
                H::SensitivityLevel,
                H::NoInputTimeout,
                H::RecordUri,
                H::MediaType,
                H::MaxTime,
                H::FinalSilence,
                H::CaptureOnSpeech,
                H::VerBufferUtterance,
                H::StartInputTimers,
                H::NewAudioChannel,
            ],
        },
        MethodRow { method: M::StartInputTimers, headers: &[] },
        MethodRow { method: M::Stop, headers: &[H::ActiveRequestIdList, H::TrimLength] },
    ],
    parameters: &[H::SensitivityLevel, H::NoInputTimeout, H::MaxTime, H::FinalSilence, H::CaptureOnSpeech],
};

/// Speaker verification is not ours: its channels are never given out.
const VERIFIER: ResourceRow = ResourceRow { methods: &[], parameters: &[] };

fn row(resource: Resource) -> &'static ResourceRow {
    match resource {
        Resource::SpeechSynth | Resource::BasicSynth => &SYNTHESIZER,
        Resource::SpeechRecog | Resource::DtmfRecog => &RECOGNIZER,
        Resource::Recorder => &RECORDER,
        Resource::SpeakVerify => &VERIFIER,
    }
}

/// Whether a request of this method may have this header, on a channel of this resource.
pub(crate) fn has_header(resource: Resource, method: &Method, header: &HeaderName) -> bool {
    let of_method = row(resource).methods.iter().find(|row| row.method == *method);
    ON_ANY_REQUEST.contains(header) || of_method.is_some_and(|row| row.headers.contains(header))
}

/// Whether SET-PARAMS and GET-PARAMS know this header, on a channel of this resource.
pub(crate) fn is_parameter(resource: Resource, header: &HeaderName) -> bool {
    GENERIC_PARAMETERS.contains(header) || row(resource).parameters.contains(header)
}

impl Resource {
    /// Whether the resource has this method.
    pub fn has_method(self, method: &Method) -> bool {
        matches!(method, M::SetParams | M::GetParams) || row(self).methods.iter().any(|row| row.method == *method)
    }

    /// The parameters of the resource: what SET-PARAMS may set and GET-PARAMS reads.
    pub fn parameters(self) -> impl Iterator<Item = &'static HeaderName> {
        GENERIC_PARAMETERS.iter().chain(row(self).parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frm_025_a_method_belongs_to_its_resources_only() {
        assert!(Resource::BasicSynth.has_method(&Method::Speak) && !Resource::SpeechRecog.has_method(&Method::Speak));
        assert!(
            Resource::DtmfRecog.has_method(&Method::Interpret) && !Resource::Recorder.has_method(&Method::Interpret)
        );
        assert!(Resource::ALL.iter().all(|resource| resource.has_method(&Method::GetParams)));
    }

    #[test]
    fn hdr_007_a_header_belongs_to_its_methods_only() {
        assert!(has_header(Resource::Recorder, &Method::Record, &HeaderName::MaxTime));
        assert!(!has_header(Resource::SpeechRecog, &Method::Recognize, &HeaderName::MaxTime));
        assert!(!has_header(Resource::SpeechSynth, &Method::Speak, &HeaderName::ProxySyncId));
    }
}
