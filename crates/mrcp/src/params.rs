//! The parameters of a channel: SET-PARAMS, GET-PARAMS and the values that a request falls back on (RFC 6787 §6.1).

use std::time::Duration;

use crate::resource_table::{VENDOR_DOMAIN, WITHOUT_EFFECT, has_header, is_parameter};
use crate::{Header, HeaderName, Headers, Request, RequestState, Resource, Response, StatusCode, VendorParameters};

/// What a request is answered whose success left out headers that do not apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IgnoredHeaders {
    /// 200, as the servers answer that stock clients were written against: they send such headers often.
    #[default]
    Success,
    /// 201, as RFC 6787 §5.4 has it.
    SuccessHeadersIgnored,
}

impl IgnoredHeaders {
    /// The status of a success.
    pub(crate) fn status(self, some_ignored: bool) -> StatusCode {
        match self {
            Self::SuccessHeadersIgnored if some_ignored => StatusCode::SUCCESS_HEADERS_IGNORED,
            Self::Success | Self::SuccessHeadersIgnored => StatusCode::SUCCESS,
        }
    }
}

/// A refusal for its headers: the status and the fields at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderFault {
    pub(crate) status: StatusCode,
    pub(crate) headers: Headers,
}

/// Checks the headers of a request other than SET-PARAMS and GET-PARAMS: those that its method has (`resource_table`) must be
/// legal and not repeated, all others do not apply and are not looked at. Returns whether there were such others.
pub(crate) fn check_headers(request: &Request) -> Result<bool, HeaderFault> {
    let applies = |name: &HeaderName| {
        request.channel.resource().is_some_and(|resource| has_header(resource, &request.method, name))
    };
    let (applying, ignored): (Vec<&Header>, Vec<&Header>) =
        request.headers.iter().partition(|header| applies(&header.name));
    let illegal = illegal_among(&applying);
    if !illegal.is_empty() {
        return Err(HeaderFault { status: StatusCode::ILLEGAL_HEADER_VALUE, headers: illegal });
    }
    let beyond: Headers = applying.iter().copied().filter(|header| header.is_excessive()).cloned().collect();
    if !beyond.is_empty() {
        return Err(HeaderFault { status: StatusCode::UNSUPPORTED_HEADER_VALUE, headers: beyond });
    }
    Ok(!ignored.is_empty() || applying.iter().any(|header| is_without_effect(header)))
}

/// Whether a header that applies changes nothing here, or in part: it is optional, and 201 says that it was ignored.
fn is_without_effect(header: &Header) -> bool {
    match header.name {
        HeaderName::VendorSpecificParameters => {
            VendorParameters::parse(&header.value).iter().any(|(name, _)| !name.starts_with(VENDOR_DOMAIN))
        }
        _ => WITHOUT_EFFECT.contains(&header.name),
    }
}

/// Fields with an illegal value, and all fields of a header that may not be repeated.
fn illegal_among(headers: &[&Header]) -> Headers {
    let is_repeated = |header: &Header| {
        !header.name.is_list() && headers.iter().filter(|other| other.name == header.name).count() > 1
    };
    headers.iter().copied().filter(|header| !header.is_legal() || is_repeated(header)).cloned().collect()
}

/// The parameters of one channel.
#[derive(Debug)]
pub(crate) struct ParamStore {
    /// Whose parameters they are.
    resource: Option<Resource>,
    defaults: Vec<(HeaderName, String)>,
    languages: Vec<String>,
    /// What Voice-Name may say; empty: anything.
    voices: Vec<String>,
    values: Headers,
    vendor: VendorParameters,
    ignored_headers: IgnoredHeaders,
}

impl ParamStore {
    pub(crate) fn new(resource: Option<Resource>, defaults: Vec<(HeaderName, String)>, languages: Vec<String>) -> Self {
        Self {
            resource,
            defaults,
            languages,
            voices: Vec::new(),
            values: Headers::new(),
            vendor: VendorParameters::default(),
            ignored_headers: IgnoredHeaders::default(),
        }
    }

    /// What SET-PARAMS is answered that sets something without effect.
    pub(crate) fn reporting(self, ignored_headers: IgnoredHeaders) -> Self {
        Self { ignored_headers, ..self }
    }

    /// The same where Voice-Name may name these only.
    pub(crate) fn with_voices(self, voices: Vec<String>) -> Self {
        Self { voices, ..self }
    }

    /// A voice that is asked for and is not there.
    pub(crate) fn beyond(&self, headers: &Headers) -> Option<HeaderFault> {
        let headers: Headers = headers.iter().filter(|header| self.is_unknown_voice(header)).cloned().collect();
        (!headers.is_empty()).then_some(HeaderFault { status: StatusCode::UNSUPPORTED_HEADER_VALUE, headers })
    }

    /// Voice-Name may be a list, as SSML's attribute is: one that is known is enough. `default` is what a stock client sends
    /// when its dialplan names none.
    fn is_unknown_voice(&self, header: &Header) -> bool {
        let is_known = |name: &str| {
            name.eq_ignore_ascii_case("default") || self.voices.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        header.name == HeaderName::VoiceName
            && !self.voices.is_empty()
            && !header.value.trim().is_empty()
            && !is_known(header.value.trim())
            && !header.value.split_whitespace().any(is_known)
    }

    /// SET-PARAMS (§6.1.1): all or nothing. 404 beats 403 beats 409; the fields at fault are repeated as sent.
    pub(crate) fn set(&mut self, request: &Request) -> Response {
        let headers: Vec<&Header> = request.headers.iter().filter(|header| !is_entity(&header.name)).collect();
        let unsupported: Headers = headers.iter().copied().filter(|h| !self.is_parameter(&h.name)).cloned().collect();
        let beyond: Headers = headers.iter().copied().filter(|header| self.is_beyond(header)).cloned().collect();
        let faults = [
            (StatusCode::ILLEGAL_HEADER_VALUE, illegal_among(&headers)),
            (StatusCode::UNSUPPORTED_HEADER, unsupported),
            (StatusCode::UNSUPPORTED_HEADER_VALUE, beyond),
        ];
        for (status, at_fault) in faults {
            if !at_fault.is_empty() {
                let mut response = request.response(status, RequestState::Complete);
                response.headers = at_fault;
                return response;
            }
        }
        for header in &headers {
            if header.name == HeaderName::VendorSpecificParameters {
                self.vendor.extend(&VendorParameters::parse(&header.value));
            }
        }
        let replaced: Headers = self
            .values
            .iter()
            .filter(|old| !request.headers.contains(&old.name))
            .chain(
                request
                    .headers
                    .iter()
                    .filter(|new| !is_entity(&new.name) && new.name != HeaderName::VendorSpecificParameters),
            )
            .cloned()
            .collect();
        let some_ignored = headers.iter().any(|header| is_without_effect(header));
        self.values = replaced;
        request.response(self.ignored_headers.status(some_ignored), RequestState::Complete)
    }

    /// GET-PARAMS (§6.1.2): the named parameters, or all when none is named. A parameter without a value is returned empty.
    pub(crate) fn get(&self, request: &Request) -> Response {
        let named: Vec<&Header> = request.headers.iter().filter(|header| !is_entity(&header.name)).collect();
        let unsupported: Vec<&HeaderName> =
            named.iter().map(|header| &header.name).filter(|name| !self.is_parameter(name)).collect();
        if !unsupported.is_empty() {
            let mut response = request.response(StatusCode::UNSUPPORTED_HEADER, RequestState::Complete);
            for name in unsupported {
                response.headers.push(name.clone(), "");
            }
            return response;
        }
        let mut response = request.response(StatusCode::SUCCESS, RequestState::Complete);
        if named.is_empty() {
            self.push_all(&mut response.headers);
        }
        for header in named {
            if header.name == HeaderName::VendorSpecificParameters {
                response.headers.push(header.name.clone(), self.vendor_named(&header.value).to_string());
            } else {
                response.headers.push(header.name.clone(), self.value(&header.name).unwrap_or_default());
            }
        }
        response
    }

    /// Every parameter, also those without a value.
    fn push_all(&self, headers: &mut Headers) {
        for name in self.resource.into_iter().flat_map(Resource::parameters) {
            match name {
                HeaderName::VendorSpecificParameters => headers.push(name.clone(), self.vendor.to_string()),
                // Secrets of other servers, and a list: read when they are asked for.
                HeaderName::SetCookie | HeaderName::SetCookie2 => {}
                _ => headers.push(name.clone(), self.value(name).unwrap_or_default()),
            }
        }
    }

    /// The vendor parameters that a GET-PARAMS names, all when it names none.
    fn vendor_named(&self, names: &str) -> VendorParameters {
        let asked = VendorParameters::parse(names);
        if asked.is_empty() {
            return self.vendor.clone();
        }
        let mut found = VendorParameters::default();
        for (name, _) in asked.iter() {
            if let Some(value) = self.vendor.value(name) {
                found.set(name, value);
            }
        }
        found
    }

    fn is_parameter(&self, name: &HeaderName) -> bool {
        self.resource.is_some_and(|resource| is_parameter(resource, name))
    }

    /// Legal, but not something we can do.
    fn is_beyond(&self, header: &Header) -> bool {
        if header.is_excessive() {
            return true;
        }
        let is_known = |known: &String| {
            let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
            known.eq_ignore_ascii_case(&header.value)
                || (!known.contains('-') && primary(known) == primary(&header.value))
        };
        let is_unknown_language = header.name == HeaderName::SpeechLanguage
            && !self.languages.is_empty()
            && !self.languages.iter().any(is_known);
        is_unknown_language || self.is_unknown_voice(header)
    }

    /// What SET-PARAMS said, else the default.
    fn value(&self, name: &HeaderName) -> Option<&str> {
        let default = || self.defaults.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        self.values.text(name).or_else(default)
    }

    /// The values that hold for one request: its own headers first.
    pub(crate) fn for_request<'a>(&'a self, headers: &'a Headers) -> Effective<'a> {
        Effective { headers, store: self }
    }
}

/// The values that hold for one request, whose headers have been checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effective<'a> {
    headers: &'a Headers,
    store: &'a ParamStore,
}

impl Effective<'_> {
    pub(crate) fn text(&self, name: HeaderName) -> Option<String> {
        let own = self.headers.text(&name).filter(|value| !value.is_empty() || name == HeaderName::DtmfTermChar);
        own.or_else(|| self.store.value(&name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    pub(crate) fn boolean(&self, name: HeaderName, otherwise: bool) -> bool {
        self.read(name, |headers, name| headers.boolean(name).ok().flatten()).unwrap_or(otherwise)
    }

    pub(crate) fn fraction(&self, name: HeaderName, otherwise: f32) -> f32 {
        self.read(name, |headers, name| headers.fraction(name).ok().flatten()).unwrap_or(otherwise)
    }

    pub(crate) fn integer(&self, name: HeaderName) -> Option<u64> {
        self.read(name, |headers, name| headers.integer(name).ok().flatten())
    }

    pub(crate) fn duration(&self, name: HeaderName) -> Option<Duration> {
        self.read(name, |headers, name| headers.duration(name).ok().flatten())
    }

    pub(crate) fn vendor(&self) -> VendorParameters {
        let mut vendor = self.store.vendor.clone();
        vendor.extend(&self.headers.vendor_parameters());
        vendor
    }

    fn read<T>(&self, name: HeaderName, read: impl Fn(&Headers, &HeaderName) -> Option<T>) -> Option<T> {
        read(self.headers, &name).or_else(|| read(&self.store.values, &name))
    }
}

/// Headers that describe the body, which these methods do not need.
fn is_entity(name: &HeaderName) -> bool {
    matches!(
        name,
        HeaderName::ContentType
            | HeaderName::ContentId
            | HeaderName::ContentBase
            | HeaderName::ContentEncoding
            | HeaderName::ContentLocation
    )
}
