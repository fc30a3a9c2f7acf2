//! Documents that were fetched before, and when they may be used again (RFC 9111).

use std::collections::HashMap;
use std::time::SystemTime;

use http::HeaderMap;
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};

use crate::fetcher::Document;

/// One document may take so much of the room.
const SHARE_OF_ONE: usize = 4;

/// Documents by URI, in bounded memory: what was not used for longest goes first.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: usize,
    bytes: usize,
    entries: HashMap<String, Entry>,
    /// Counts uses.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    policy: CachePolicy,
    document: Document,
    used: u64,
}

/// What the cache has for a request.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// To be used as it is.
    Fresh(Document),
    /// To be asked about: the request's headers, with If-None-Match or If-Modified-Since.
    Stale(HeaderMap),
    /// Nothing.
    Absent,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, entries: HashMap::new(), clock: 0 }
    }

    /// What there is for a request, whose Cache-Control counts.
    pub(crate) fn lookup(&mut self, key: &str, request: &http::Request<()>, now: SystemTime) -> Lookup {
        self.clock += 1;
        let Some(entry) = self.entries.get_mut(key) else { return Lookup::Absent };
        entry.used = self.clock;
        match entry.policy.before_request(request, now) {
            BeforeRequest::Fresh(_) => Lookup::Fresh(entry.document.clone()),
            BeforeRequest::Stale { request, matches: true } => Lookup::Stale(request.headers),
            BeforeRequest::Stale { matches: false, .. } => Lookup::Absent,
        }
    }

    /// The origin says that what it was asked about has not changed. `None` when that was something else.
    pub(crate) fn not_modified(
        &mut self,
        key: &str,
        request: &http::Request<()>,
        response: &http::Response<()>,
        now: SystemTime,
    ) -> Option<Document> {
        let entry = self.entries.get_mut(key)?;
        match entry.policy.after_response(request, response, now) {
            AfterResponse::NotModified(policy, _) => {
                entry.policy = policy;
                Some(entry.document.clone())
            }
            AfterResponse::Modified(..) => {
                self.remove(key);
                None
            }
        }
    }

    /// Keeps a document, if it may be kept and there is room.
    pub(crate) fn store(
        &mut self,
        key: &str,
        request: &http::Request<()>,
        response: &http::Response<()>,
        document: &Document,
        now: SystemTime,
    ) {
        self.remove(key);
        // Without shelf life and validator it would only take room.
        let policy =
            CachePolicy::new_options(request, response, now, CacheOptions { shared: true, ..Default::default() });
        let has_validator =
            ["etag", "last-modified"].iter().any(|validator| response.headers().contains_key(*validator));
        let size = key.len() + document.content.len();
        if !policy.is_storable() || (policy.is_stale(now) && !has_validator) || size > self.bytes_max / SHARE_OF_ONE {
            return;
        }
        while self.bytes + size > self.bytes_max {
            let Some(oldest) = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone())
            else {
                break;
            };
            self.remove(&oldest);
        }
        self.clock += 1;
        self.bytes += size;
        let entry = Entry { policy, document: document.clone(), used: self.clock };
        self.entries.insert(key.to_owned(), entry);
    }

    /// Bytes of all documents and their names.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes = self.bytes.saturating_sub(key.len() + entry.document.content.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    const KEY: &str = "http://example.com/g";
    /// Any moment, in the past of which all responses were made.
    const DAY: u64 = 86_400 * 20_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(DAY + seconds)
    }

    fn request(cache_control: &str) -> http::Request<()> {
        let mut builder = http::Request::get(KEY);
        if !cache_control.is_empty() {
            builder = builder.header("cache-control", cache_control);
        }
        builder.body(()).unwrap()
    }

    fn response(headers: &[(&str, &str)]) -> http::Response<()> {
        let mut builder = http::Response::builder().status(200);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap()
    }

    fn document(bytes: usize) -> Document {
        Document { location: KEY.to_owned(), content_type: None, content: Bytes::from(vec![0; bytes]) }
    }

    fn cache(headers: &[(&str, &str)]) -> Cache {
        let mut cache = Cache::new(10_000);
        cache.store(KEY, &request(""), &response(headers), &document(10), at(0));
        cache
    }

    /// How the cache serves a request with that Cache-Control after so many seconds.
    fn serves(cache: &mut Cache, cache_control: &str, seconds: u64) -> &'static str {
        match cache.lookup(KEY, &request(cache_control), at(seconds)) {
            Lookup::Fresh(_) => "fresh",
            Lookup::Stale(_) => "stale",
            Lookup::Absent => "absent",
        }
    }

    #[test]
    fn ghf_020_a_document_is_used_until_its_own_age_is_reached_and_then_asked_about() {
        let mut cache = cache(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
        assert_eq!(serves(&mut cache, "", 59), "fresh");
        assert_eq!(serves(&mut cache, "", 61), "stale");
        let Lookup::Stale(headers) = cache.lookup(KEY, &request(""), at(61)) else { panic!("stale") };
        assert_eq!(headers.get("if-none-match").unwrap(), "\"1\"");
    }

    #[test]
    fn ghf_020_what_may_not_be_stored_is_not() {
        for header in ["no-store", "private"] {
            assert_eq!(serves(&mut cache(&[("cache-control", header)]), "", 0), "absent", "{header}");
        }
        assert_eq!(serves(&mut cache(&[("vary", "*"), ("cache-control", "max-age=60")]), "", 0), "absent");
    }

    #[test]
    fn ghf_021_the_smaller_max_age_wins() {
        let mut cache = cache(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
        assert_eq!(serves(&mut cache, "max-age=20", 19), "fresh");
        assert_eq!(serves(&mut cache, "max-age=20", 21), "stale");
        assert_eq!(serves(&mut cache, "max-age=600", 61), "stale");
    }

    #[test]
    fn ghf_021_min_fresh_wants_life_to_be_left() {
        let mut cache = cache(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
        assert_eq!(serves(&mut cache, "min-fresh=30", 20), "fresh");
        assert_eq!(serves(&mut cache, "min-fresh=30", 40), "stale");
    }

    #[test]
    fn ghf_021_max_stale_allows_what_has_expired_unless_the_document_forbids_it() {
        let mut lenient = cache(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
        assert_eq!(serves(&mut lenient, "max-stale", 10_000), "fresh");
        assert_eq!(serves(&mut lenient, "max-stale=30", 80), "fresh");
        assert_eq!(serves(&mut lenient, "max-stale=30", 100), "stale");
        let mut strict = cache(&[("cache-control", "max-age=60, must-revalidate"), ("etag", "\"1\"")]);
        assert_eq!(serves(&mut strict, "max-stale", 61), "stale");
    }

    #[test]
    fn ghf_020_what_has_not_changed_is_fresh_again() {
        let mut cache = cache(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
        let unchanged = http::Response::builder().status(304).header("etag", "\"1\"").body(()).unwrap();
        assert!(cache.not_modified(KEY, &request(""), &unchanged, at(100)).is_some());
        assert_eq!(serves(&mut cache, "", 150), "fresh");
        let other = http::Response::builder().status(304).header("etag", "\"2\"").body(()).unwrap();
        assert!(cache.not_modified(KEY, &request(""), &other, at(200)).is_none());
        assert_eq!(serves(&mut cache, "", 200), "absent");
    }

    #[test]
    fn memory_is_bounded_and_what_was_not_used_for_longest_goes_first() {
        let mut cache = Cache::new(4_000);
        let fresh = response(&[("cache-control", "max-age=60")]);
        for key in ["a", "b", "c"] {
            cache.store(key, &request(""), &fresh, &document(990), at(0));
        }
        assert!(matches!(cache.lookup("a", &request(""), at(0)), Lookup::Fresh(_)));
        cache.store("d", &request(""), &fresh, &document(990), at(0));
        cache.store("e", &request(""), &fresh, &document(990), at(0));
        assert!(cache.bytes() <= 4_000);
        assert!(matches!(cache.lookup("b", &request(""), at(0)), Lookup::Absent));
        assert!(matches!(cache.lookup("a", &request(""), at(0)), Lookup::Fresh(_)));
        cache.store("huge", &request(""), &fresh, &document(3_000), at(0));
        assert!(matches!(cache.lookup("huge", &request(""), at(0)), Lookup::Absent));
    }
}
