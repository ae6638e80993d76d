//! Quotes to receivers on this machine and in private networks, which people outside may name.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Node, http::read_head, wallets::Amount};

/// Returns the refusal of a quote, and the time that it took.
fn refused(node: &Node, wallet: &str, receiver: &str) -> (Value, Duration) {
    let started = Instant::now();
    let refused = node.quote(wallet, receiver, Amount::Send(5)).unwrap_err();
    (refused, started.elapsed())
}

/// Starts a server that answers each connection with these bytes.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = read_head(&mut std::io::BufReader::new(&stream));
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// Returns one receiver of each kind: no server, a silent server, and one that answers something
/// else.
fn receivers(silent: &TcpListener) -> Vec<String> {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    [
        closed,
        silent.local_addr().unwrap(),
        answering("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
        answering("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n"),
        answering("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"),
        answering("-ERR unknown command\r\n"),
    ]
    .iter()
    .map(|address| format!("http://{address}/bob"))
    .chain(["http://no-such-name.localhost:1/bob".to_owned()])
    .collect()
}

#[test]
fn a_quote_tells_nothing_of_what_listens_on_this_machine() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let receivers = receivers(&silent);
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let (wallet, _) = node.create_wallet(&asset, "alice");
    // The quotes run at once, since each takes its five seconds.
    let answers: Vec<(String, Value, Duration)> = thread::scope(|scope| {
        let asking: Vec<_> = receivers
            .iter()
            .map(|receiver| {
                let (node, wallet) = (&node, &wallet);
                scope.spawn(move || {
                    let (refusal, took) = refused(node, wallet, receiver);
                    let text = refusal.to_string().replace(receiver, "RECEIVER");
                    (text, refusal, took)
                })
            })
            .collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    for (text, refusal, took) in &answers {
        assert_eq!(text, &answers[0].0);
        assert!(text.contains("no receiver can be asked there"), "{text}");
        // No answer comes before the common time. The machine's speed decides how much later it
        // comes.
        assert!(*took >= Duration::from_secs(5), "{refusal}: {took:?}");
    }
}

#[test]
fn a_node_that_is_public_asks_nothing_nearby_unless_its_operator_says_so() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let receivers = receivers(&silent);
    let public = ("JIRANI_WALLET_PUBLIC_URL", "https://wallet.mine.com");
    let node = Node::start_with(&[public]);
    let asset = node.create_asset("USD", 2);
    let (wallet, _) = node.create_wallet(&asset, "alice");
    for receiver in &receivers {
        let (refusal, _) = refused(&node, &wallet, receiver);
        let text = refusal.to_string();
        assert!(text.contains("wallet.private_receivers = true"), "{receiver}: {text}");
    }
    assert!(silent.accept().is_err(), "nothing was connected to");

    let node = Node::start_with(&[public, ("JIRANI_WALLET_PRIVATE_RECEIVERS", "true")]);
    let asset = node.create_asset("USD", 2);
    let (wallet, _) = node.create_wallet(&asset, "alice");
    for (receiver, said) in [(0, "can't be reached"), (2, "404"), (3, "401"), (4, "not with SPSP")]
    {
        let (refusal, _) = refused(&node, &wallet, &receivers[receiver]);
        assert!(refusal.to_string().contains(said), "{refusal}");
    }
}
