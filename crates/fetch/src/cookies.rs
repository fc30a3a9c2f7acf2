//! The cookies of one session (RFC 6265), which its client shares (RFC 6787 section 6.2.15).

use cookie_store::{CookieStore, RawCookie};
use url::Url;

/// The cookies of one session.
#[derive(Debug, Default)]
pub(crate) struct Cookies {
    store: CookieStore,
}

impl Cookies {
    /// Takes over a cookie of the client: the value of one Set-Cookie. What stands in for a missing Domain or Path is
    /// `origin`; without either there is no host to send the cookie to, and it is left out. Returns whether it was taken.
    pub(crate) fn take_from_client(&mut self, set_cookie: &str, origin: Option<&Url>, cookies_max: usize) -> bool {
        let Ok(cookie) = RawCookie::parse(aged(set_cookie)) else { return false };
        let home = match cookie.domain() {
            Some(domain) => Url::parse(&format!("https://{domain}/")).ok(),
            None => origin.cloned(),
        };
        let Some(home) = home else { return false };
        self.insert(&cookie, &home, cookies_max)
    }

    /// Takes over a cookie that an origin set: the value of one Set-Cookie. Returns what to tell the client, with the
    /// defaults of Domain and Path.
    pub(crate) fn take_from_origin(&mut self, set_cookie: &str, origin: &Url, cookies_max: usize) -> Option<String> {
        let cookie = RawCookie::parse(set_cookie.to_owned()).ok()?;
        // A domain of one label would be everybody's.
        let is_shared = |domain: &str| !domain.contains('.') && origin.host_str() != Some(domain);
        if cookie.domain().is_some_and(is_shared) {
            return None;
        }
        let is_removal = cookie.max_age().is_some_and(|age| age.whole_seconds() <= 0);
        if !self.insert(&cookie, origin, cookies_max) && !is_removal {
            return None;
        }
        let mut told = cookie.into_owned();
        if told.domain().is_none_or(str::is_empty) {
            told.set_domain(origin.host_str()?.to_owned());
        }
        if told.path().is_none_or(|path| !path.starts_with('/')) {
            told.set_path(default_path(origin));
        }
        Some(told.to_string())
    }

    /// The value of Cookie for a request; `None` when no cookie is for it.
    pub(crate) fn for_request(&self, url: &Url) -> Option<String> {
        let pairs: Vec<String> =
            self.store.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn insert(&mut self, cookie: &RawCookie<'_>, url: &Url, cookies_max: usize) -> bool {
        if self.store.iter_any().count() >= cookies_max {
            return false;
        }
        self.store.insert_raw(cookie, url).is_ok()
    }
}

/// The same cookie with what is left of its Max-Age after the Age that RFC 6787 adds: Max-Age comes as the client received
/// it, and time has passed since.
fn aged(set_cookie: &str) -> String {
    let seconds = |wanted: &str| {
        set_cookie.split(';').skip(1).find_map(|attribute| {
            let (name, value) = attribute.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().parse::<u64>().ok())?
        })
    };
    let (Some(max_age), Some(age)) = (seconds("max-age"), seconds("age")) else { return set_cookie.to_owned() };
    // The last of two attributes holds.
    format!("{set_cookie}; Max-Age={}", max_age.saturating_sub(age))
}

/// RFC 6265 section 5.1.4: the folder of the request.
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(last) => url.path().get(..last).unwrap_or("/").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn ghf_024_a_cookie_of_the_client_goes_to_its_domain_and_path_and_nowhere_else() {
        let mut cookies = Cookies::default();
        assert!(cookies.take_from_client("id=7; Domain=example.com; Path=/voice", None, 10));
        assert_eq!(cookies.for_request(&url("http://www.example.com/voice/a")).as_deref(), Some("id=7"));
        assert_eq!(cookies.for_request(&url("http://example.com/other")), None);
        assert_eq!(cookies.for_request(&url("http://example.org/voice")), None);
    }

    #[test]
    fn ghf_026_without_a_domain_the_cookie_is_of_the_origin_and_without_an_origin_it_is_left_out() {
        let mut cookies = Cookies::default();
        let origin = url("http://10.1.1.1/dir/page");
        assert!(cookies.take_from_client("a=1", Some(&origin), 10));
        assert!(!cookies.take_from_client("b=2", None, 10));
        assert_eq!(cookies.for_request(&url("http://10.1.1.1/dir/x")).as_deref(), Some("a=1"));
        assert_eq!(cookies.for_request(&url("http://10.1.1.1/x")), None);
    }

    #[test]
    fn ghf_026_the_age_that_the_client_tells_shortens_the_life() {
        let mut cookies = Cookies::default();
        cookies.take_from_client("old=1; Domain=example.com; Max-Age=100; Age=100", None, 10);
        cookies.take_from_client("new=1; Domain=example.com; Max-Age=100; Age=10", None, 10);
        assert_eq!(cookies.for_request(&url("http://example.com/")).as_deref(), Some("new=1"));
    }

    #[test]
    fn ghf_026_what_an_origin_sets_is_told_with_domain_and_path_and_a_domain_is_not_altered() {
        let mut cookies = Cookies::default();
        let origin = url("https://grammars.example.com/menu/main.grxml");
        let told = cookies.take_from_origin("s=x; Secure; HttpOnly", &origin, 10).unwrap();
        assert!(told.starts_with("s=x;"), "{told}");
        for attribute in ["Domain=grammars.example.com", "Path=/menu", "Secure", "HttpOnly"] {
            assert!(told.contains(attribute), "{told}");
        }
        let told = cookies.take_from_origin("t=y; Domain=example.com; Path=/", &origin, 10).unwrap();
        assert!(told.contains("Domain=example.com") && told.contains("Path=/"), "{told}");
    }

    #[test]
    fn an_origin_cannot_set_cookies_for_others() {
        let mut cookies = Cookies::default();
        let origin = url("https://a.example.com/");
        assert_eq!(cookies.take_from_origin("x=1; Domain=b.example.com", &origin, 10), None);
        assert_eq!(cookies.take_from_origin("x=1; Domain=com", &origin, 10), None);
        assert_eq!(cookies.for_request(&url("https://b.example.com/")), None);
    }

    #[test]
    fn the_number_of_cookies_is_bounded() {
        let mut cookies = Cookies::default();
        for number in 0..5 {
            cookies.take_from_client(&format!("c{number}=1; Domain=example.com"), None, 3);
        }
        assert_eq!(cookies.for_request(&url("http://example.com/")).unwrap().matches('=').count(), 3);
    }
}
