//! Exchange rates on a node, and a rates service whose behaviour a test decides.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Node, http::read_head};

impl Node {
    /// Sets a rate and waits until it is live.
    pub(crate) fn set_rate(&self, base: &str, quote: &str, rate: &str) {
        let set = self.query(
            "mutation($input: SetRateInput!) { setRate(input: $input) { rate { rate } } }",
            json!({ "input": { "base": base, "quote": quote, "rate": rate } }),
        );
        assert_eq!(set["setRate"]["rate"]["rate"], rate);
    }

    /// Adds to the node's own stock of an asset, from which it pays out conversions.
    pub(crate) fn stock(&self, asset: &str, amount: u64) {
        let id = uuid::Uuid::new_v4();
        let input = json!({ "assetId": asset, "id": id, "amount": amount.to_string(),
            "idempotencyKey": id });
        let deposit = "mutation($input: DepositAssetLiquidityInput!) {
            depositAssetLiquidity(input: $input) { success } }";
        self.query(deposit, json!({ "input": input }));
    }

    /// Returns the node's stock of an asset.
    pub(crate) fn stock_of(&self, asset: &str) -> u64 {
        let found = self
            .query("query($id: String!) { asset(id: $id) { liquidity } }", json!({ "id": asset }));
        found["asset"]["liquidity"].as_str().unwrap().parse().unwrap()
    }

    /// Returns the health check's answer, which always has status 200 here.
    pub(crate) fn health(&self) -> Value {
        let mut connection = super::http::Connection::open(self.admin).unwrap();
        let json = ("accept", "application/json");
        let response = connection.request("GET", "/healthz", &[json], b"").unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        serde_json::from_slice(&response.body).unwrap()
    }
}

/// The service's behaviour.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// Answers with the rates in this JSON object, whichever of its codes is the base.
    Rates(&'static str),
    /// Answers with the rates as services in use do: redirected to another path, of the type
    /// `text/plain`, and with the base in lower case.
    InPlainText(&'static str),
    /// Redirects to another host.
    Elsewhere,
    /// Answers with this status.
    Status(u16),
    /// Answers with this type and body.
    Body(&'static str, &'static str),
    /// Answers as if another base had been asked for.
    OtherBase,
    /// Sends a head, and then the body byte by byte, without end.
    Drip,
    /// Sends no answer, until the service is dropped or gets another mood.
    Silence,
    /// Ends each connection at once.
    Close,
}

/// A rates service on a free loopback port.
pub(crate) struct RatesService {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    pub(crate) asked: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
}

impl RatesService {
    pub(crate) fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            address: listener.local_addr().unwrap(),
            mood: Arc::new(Mutex::new(mood)),
            asked: Arc::default(),
            ending: Arc::default(),
        };
        let (mood, asked) = (Arc::clone(&service.mood), Arc::clone(&service.asked));
        let ending = Arc::clone(&service.ending);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ending.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (mood, asked) = (Arc::clone(&mood), Arc::clone(&asked));
                let ending = Arc::clone(&ending);
                // Each connection ends with its client, or with the service.
                thread::spawn(move || serve(stream, &mood, &asked, &ending));
            }
        });
        service
    }

    /// Returns the URL, which has a query already, as those of services with a key do.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/rates?key=hush", self.address)
    }

    pub(crate) fn turn(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }
}

impl Drop for RatesService {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    stream: TcpStream,
    mood: &Mutex<Mood>,
    asked: &AtomicUsize,
    ending: &AtomicBool,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (first, _) = read_head(&mut stream).ok()?;
        asked.fetch_add(1, Ordering::SeqCst);
        let path = first.split(' ').nth(1)?.split('?').next()?.to_owned();
        assert!(first.contains("?key=hush&base="), "{first}");
        let base = first.split("base=").nth(1)?.split(' ').next()?.to_owned();
        let now = mood.lock().clone();
        let is_still = |wanted: &Mood| {
            let now = std::mem::discriminant(&*mood.lock());
            now == std::mem::discriminant(wanted) && !ending.load(Ordering::SeqCst)
        };
        let answer = |base: &str, rates: &str| format!(r#"{{"base":"{base}","rates":{rates}}}"#);
        let (status, kind, body) = match &now {
            Mood::Rates(rates) => {
                // The service knows no code without a rate.
                let is_known = rates.contains(&format!("\"{base}\""));
                let rates = if is_known { rates } else { "{}" };
                (200, "application/json; charset=utf-8", answer(&base, rates))
            }
            Mood::InPlainText(rates) => {
                if path != "/rates/latest" {
                    let to = format!("/rates/latest?key=hush&base={base}");
                    let head =
                        format!("HTTP/1.1 302 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
                    stream.get_mut().write_all(head.as_bytes()).ok()?;
                    continue;
                }
                (200, "text/plain", answer(&base.to_lowercase(), rates))
            }
            Mood::Elsewhere => {
                let head = "HTTP/1.1 302 X\r\nlocation: http://127.0.0.2/rates\r\n\
                            content-length: 0\r\n\r\n";
                stream.get_mut().write_all(head.as_bytes()).ok()?;
                continue;
            }
            Mood::Status(status) => (*status, "application/json", answer(&base, "{}")),
            Mood::Body(kind, body) => (200, *kind, (*body).to_owned()),
            Mood::OtherBase => (200, "application/json", answer("XXX", r#"{"EUR":0.5}"#)),
            Mood::Close => return None,
            Mood::Silence => {
                while is_still(&now) {
                    thread::sleep(super::PATIENCE / 1_000);
                }
                return None;
            }
            Mood::Drip => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{";
                stream.get_mut().write_all(head).ok()?;
                while is_still(&now) {
                    stream.get_mut().write_all(b" ").ok()?;
                    thread::sleep(super::PATIENCE / 1_000);
                }
                return None;
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat()).ok()?;
    }
}
