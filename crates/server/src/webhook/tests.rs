//! Deliveries to a receiver that does what a test tells it to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use fetch::FetchConfig;
use tokio::sync::mpsc;

use super::*;

/// More than any of these takes on a busy machine.
const SOON: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Receiver {
    answers: Arc<Mutex<VecDeque<u16>>>,
    received: mpsc::Sender<(HeaderMap, Bytes)>,
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let answer = receiver.answers.lock().unwrap().pop_front().unwrap_or(200);
    receiver.received.try_send((headers, body)).unwrap();
    StatusCode::from_u16(answer).unwrap()
}

/// A receiver that gives these answers, and then 200s.
async fn receiver(answers: &[u16]) -> (SocketAddr, mpsc::Receiver<(HeaderMap, Bytes)>) {
    let (received, seen) = mpsc::channel(64);
    let state = Receiver { answers: Arc::new(Mutex::new(answers.iter().copied().collect())), received };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/calls", post(receive)).with_state(state);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, seen)
}

fn fetcher(networks: &[&str]) -> Fetcher {
    // Another test of the program may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let allowed_networks = networks.iter().map(|network| network.parse().unwrap()).collect();
    Fetcher::new(FetchConfig { allowed_networks, ..FetchConfig::default() }).unwrap()
}

fn config(address: SocketAddr, folder: &Path) -> WebhookConfig {
    std::fs::write(folder.join("secret"), "a secret\n").unwrap();
    WebhookConfig {
        url: format!("http://{address}/calls"),
        secret_file: Some(folder.join("secret")),
        secret_env: None,
        timeout: Duration::from_secs(10),
        retries: 5,
        retry_first: Duration::from_millis(10),
        outbox: folder.join("outbox"),
        outbox_max: 100,
    }
}

/// The files of a directory that are records.
fn records(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(SOON, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} did not come");
}

async fn next(seen: &mut mpsc::Receiver<(HeaderMap, Bytes)>) -> (HeaderMap, Bytes) {
    tokio::time::timeout(SOON, seen.recv()).await.expect("a delivery").unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).unwrap().to_str().unwrap()
}

#[test]
fn a_signature_is_what_any_library_of_the_field_computes() {
    // The example of the specification's reference libraries.
    let secret = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signed = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn a_record_is_tried_again_under_the_same_id_until_it_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let (address, mut seen) = receiver(&[503, 500]).await;
    let config = config(address, folder.path());
    let stop = CancellationToken::new();
    let webhook = Webhook::start(&config, &fetcher(&["127.0.0.0/8"]), stop.clone()).unwrap();
    webhook.send("{\"conversation\":\"call-1\"}\n").await;
    let mut ids = HashSet::new();
    for _ in 0..3 {
        let (headers, body) = next(&mut seen).await;
        assert_eq!(body, "{\"conversation\":\"call-1\"}\n");
        let (id, timestamp) = (header(&headers, "webhook-id"), header(&headers, "webhook-timestamp"));
        assert_eq!(header(&headers, "webhook-signature"), sign(b"a secret", id, timestamp, &body));
        assert_eq!(header(&headers, "content-type"), "application/json");
        ids.insert(id.to_owned());
    }
    assert_eq!(ids.len(), 1);
    until("an empty outbox", || records(&config.outbox).is_empty()).await;
    assert!(records(&config.outbox.join(DEAD)).is_empty());
    stop.cancel();
}

#[tokio::test]
async fn what_is_left_in_the_outbox_is_delivered_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on the port of discarded traffic.
    let mut config = config("127.0.0.1:9".parse().unwrap(), folder.path());
    config.retry_first = Duration::from_secs(600);
    let fetcher = fetcher(&["127.0.0.0/8"]);
    let stop = CancellationToken::new();
    let webhook = Webhook::start(&config, &fetcher, stop.clone()).unwrap();
    webhook.send("{\"n\":1}").await;
    webhook.send("{\"n\":2}").await;
    stop.cancel();
    assert_eq!(records(&config.outbox).len(), 2);
    let (address, mut seen) = receiver(&[]).await;
    config.url = format!("http://{address}/calls");
    let stop = CancellationToken::new();
    let _webhook = Webhook::start(&config, &fetcher, stop.clone()).unwrap();
    let mut bodies = [next(&mut seen).await.1, next(&mut seen).await.1];
    bodies.sort();
    assert_eq!(bodies, ["{\"n\":1}", "{\"n\":2}"]);
    until("an empty outbox", || records(&config.outbox).is_empty()).await;
    stop.cancel();
}

#[tokio::test]
async fn what_nobody_takes_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (address, mut seen) = receiver(&[400, 503, 503]).await;
    let config = WebhookConfig { retries: 1, ..config(address, folder.path()) };
    let stop = CancellationToken::new();
    let webhook = Webhook::start(&config, &fetcher(&["127.0.0.0/8"]), stop.clone()).unwrap();
    webhook.send("{\"n\":1}").await;
    next(&mut seen).await;
    let dead = config.outbox.join(DEAD);
    until("what is refused at once", || records(&dead).len() == 1).await;
    webhook.send("{\"n\":2}").await;
    until("what was tried twice", || records(&dead).len() == 2).await;
    assert!(records(&config.outbox).is_empty());
    stop.cancel();
}

#[tokio::test]
async fn a_private_address_is_reached_only_where_the_rules_of_fetches_allow_it() {
    let folder = tempfile::tempdir().unwrap();
    let (address, mut seen) = receiver(&[]).await;
    let config = config(address, folder.path());
    let stop = CancellationToken::new();
    let webhook = Webhook::start(&config, &fetcher(&[]), stop.clone()).unwrap();
    webhook.send("{\"n\":1}").await;
    until("what may not be sent", || records(&config.outbox.join(DEAD)).len() == 1).await;
    assert!(seen.try_recv().is_err());
    stop.cancel();
}

#[tokio::test]
async fn an_outbox_that_is_full_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let config = WebhookConfig {
        outbox_max: 2,
        retry_first: Duration::from_secs(600),
        ..config("127.0.0.1:9".parse().unwrap(), folder.path())
    };
    let stop = CancellationToken::new();
    let webhook = Webhook::start(&config, &fetcher(&["127.0.0.0/8"]), stop.clone()).unwrap();
    for _ in 0..4 {
        webhook.send("{}").await;
    }
    assert_eq!(records(&config.outbox).len(), 2);
    stop.cancel();
}

#[test]
fn a_webhook_without_a_secret_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("127.0.0.1:9".parse().unwrap(), folder.path());
    std::fs::write(folder.path().join("secret"), "whsec_!!").unwrap();
    assert!(matches!(secret(&config), Err(WebhookError::NotBase64)));
    config.secret_file = Some(folder.path().join("none"));
    assert!(matches!(secret(&config), Err(WebhookError::Secret { .. })));
}
