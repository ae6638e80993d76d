//! Documents and variables that nobody would send in good faith. Whatever comes, the answer is one
//! that a client can read, in bounded time, and tells nothing of the node's insides.

use std::{sync::OnceLock, time::Instant};

use axum::{body::to_bytes, http::header::CONTENT_TYPE};
use proptest::{
    collection::vec, prelude::*, sample::select, strategy::BoxedStrategy, test_runner::TestRunner,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::schema::{sdl, tests::operator};

/// Far above what the largest request that is let through takes in a build for tests.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

struct Port {
    dir: TempDir,
    runtime: Runtime,
    admin: Admin,
}

impl Port {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (operator, _connector) = runtime.block_on(operator(dir.path()));
        let schema = AdminSchema::new(operator.clone());
        let auth = Auth::loopback(Vec::new());
        let admin = Admin {
            schema,
            operator,
            auth,
            requests: Semaphore::new(REQUESTS_MAX),
            sockets: Sockets::new(tokio_util::sync::CancellationToken::new()),
        };
        Self { dir, runtime, admin }
    }

    /// Sends a body and holds the answer against what all answers have in common.
    fn send(&self, body: Vec<u8>) -> (StatusCode, Value) {
        let shown = String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned();
        let request = Request::builder()
            .method("POST")
            .uri("/graphql")
            .header(CONTENT_TYPE, "application/json")
            .body(body.into())
            .unwrap();
        let began = Instant::now();
        let (status, text) = self.runtime.block_on(async {
            let answer = match self.admin.reply(request).await {
                Ok(reply) => MediaType::UnnamedJson.reply(reply),
                Err(refused) => refused.into_response(),
            };
            let status = answer.status();
            (status, to_bytes(answer.into_body(), usize::MAX).await.unwrap())
        });
        assert!(began.elapsed() < ANSWER_TIME_MAX, "{:?} for {shown}", began.elapsed());
        let is_known = [200, 400, 413].contains(&status.as_u16());
        assert!(is_known, "{status} {} for {shown}", String::from_utf8_lossy(&text));
        let answer: Value = serde_json::from_slice(&text).unwrap();
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        assert!(status == 200 || !errors.is_empty(), "{answer}");
        for error in &errors {
            assert!(error["extensions"]["code"].is_string(), "{error} for {shown}");
            let message = error["message"].as_str().unwrap();
            for inside in ["sled", "panicked", "src/", self.dir.path().to_str().unwrap()] {
                assert!(!message.contains(inside), "{message}");
            }
            assert_ne!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{shown}");
        }
        (status, answer)
    }

    fn query(&self, query: &str, variables: Value) -> (StatusCode, Value) {
        self.send(json!({ "query": query, "variables": variables }).to_string().into_bytes())
    }
}

/// The words of the schema, so that much of what is made is taken for a request; without `backup`,
/// which would write wherever chance says.
/// Worked out once, since each value that is made asks for them.
fn words() -> &'static [String] {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let sdl = sdl();
        let words = sdl.split(|character: char| !character.is_alphanumeric() && character != '_');
        let mut words: Vec<_> = words.filter(|word| word.len() > 1).map(str::to_owned).collect();
        words.sort();
        words.dedup();
        words.retain(|word| word != "backup");
        words.extend(["__schema", "__typename", "__type", "x"].map(str::to_owned));
        words
    })
}

fn name() -> BoxedStrategy<String> {
    prop_oneof![8 => select(words()), 1 => "[A-Za-z_][A-Za-z0-9_]{0,8}"].boxed()
}

fn value() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        any::<String>().prop_map(|text| json!(text).to_string()),
        Just("\"\"\"block\"\"\"".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        name().prop_map(|name| format!("${name}")),
        name(),
    ];
    let nested = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            vec((name(), inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                format!("{{{}}}", members.join(" "))
            }),
        ]
    });
    nested.boxed()
}

fn field() -> BoxedStrategy<String> {
    let arguments = vec((name(), value()), 0..3).prop_map(|arguments| {
        let arguments: Vec<_> =
            arguments.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) }
    });
    let alias = prop_oneof![3 => Just(String::new()), 1 => name().prop_map(|name| name + ": ")];
    let directive = prop_oneof![
        6 => Just(String::new()),
        1 => Just(" @include(if: true)".to_owned()),
        1 => value().prop_map(|value| format!(" @skip(if: {value})")),
    ];
    let head =
        (alias, name(), arguments, directive).prop_map(|(alias, name, arguments, directive)| {
            format!("{alias}{name}{arguments}{directive}")
        });
    let leaf = prop_oneof![
        6 => head.clone(),
        1 => name().prop_map(|name| format!("...{name}")),
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        let head = prop_oneof![
            5 => head.clone(),
            1 => name().prop_map(|name| format!("... on {name}")),
        ];
        (head, vec(inner, 1..5))
            .prop_map(|(head, fields)| format!("{head} {{ {} }}", fields.join(" ")))
    })
    .boxed()
}

fn document() -> BoxedStrategy<String> {
    let operation = (
        select(vec!["query", "mutation", "subscription", "{", "fragment F on Query"]),
        prop_oneof![
            2 => Just(String::new()),
            1 => (name(), name(), value())
                .prop_map(|(name, kind, value)| format!("A(${name}: {kind}! = {value})")),
        ],
        vec(field(), 1..4),
    )
        .prop_map(|(kind, variables, fields)| match kind {
            "{" => format!("{{ {} }}", fields.join(" ")),
            kind => format!("{kind} {variables} {{ {} }}", fields.join(" ")),
        });
    vec(operation, 1..3).prop_map(|operations| operations.join("\n")).boxed()
}

/// A good document with some of its characters changed.
fn damaged() -> BoxedStrategy<String> {
    let good = select(vec![
        "query($first: Int, $after: String) { peers(first: $first, after: $after) {
            edges { cursor node { id asset { code scale tenant { id } } routes } }
            pageInfo { endCursor hasNextPage } } }",
        "mutation($input: CreatePeerInput!) { createPeer(input: $input) { code success message
            peer { id http { outgoing { endpoint authToken } } } } }",
        "{ __schema { types { name fields { name args { name type { name } } } } } }",
        "{ auditEvents(filter: {operation: {in: [\"x\"]}, code: \"200\"}) { edges { cursor } } }",
        "mutation { a: createAsset(input: {code: \"USD\", scale: 2}) { asset { id } } }",
    ]);
    let changes = vec((any::<prop::sample::Index>(), any::<char>()), 0..6);
    (good, changes)
        .prop_map(|(good, changes)| {
            let mut characters: Vec<char> = good.chars().collect();
            for (index, character) in changes {
                let index = index.index(characters.len());
                characters[index] = character;
            }
            characters.into_iter().collect()
        })
        .boxed()
}

fn variables() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(words()).prop_map(Value::from),
    ];
    let nested = leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    vec((select(vec!["input", "id", "first", "after", "x"]), nested), 0..4)
        .prop_map(|members| {
            let own = |(name, value): (&str, Value)| (name.to_owned(), value);
            Value::Object(members.into_iter().map(own).collect())
        })
        .boxed()
}

#[test]
fn whatever_is_asked_is_answered_in_time_and_in_words() {
    let port = Port::open();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 1_500,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let asked = (prop_oneof![document(), damaged()], variables());
    let run = runner.run(&asked, |(document, variables)| {
        port.query(&document, variables);
        Ok(())
    });
    run.unwrap();
    // It still does what it should.
    let (status, answer) = port.query("{ whoami { isOperator } }", json!({}));
    assert_eq!((status, &answer["data"]["whoami"]["isOperator"]), (StatusCode::OK, &json!(true)));
}

#[test]
fn bodies_that_are_no_requests_are_answered_too() {
    let port = Port::open();
    let mut runner = TestRunner::new(ProptestConfig { cases: 500, ..ProptestConfig::default() });
    let run = runner.run(&vec(any::<u8>(), 0..300), |body| {
        let (status, _) = port.send(body);
        prop_assert_eq!(status, StatusCode::BAD_REQUEST);
        Ok(())
    });
    run.unwrap();
}

/// Each is small on the wire and would be large inside.
#[test]
fn bombs_cost_no_more_than_they_weigh() {
    let port = Port::open();
    let repeat = |text: &str, count: usize| text.repeat(count);
    let nested = |open: &str, close: &str, count: usize| {
        format!("{}x{}", open.repeat(count), close.repeat(count))
    };
    let mut doubling = "query { ...F0 }".to_owned();
    for level in 0..60 {
        let next = level + 1;
        doubling.push_str(&format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}"));
    }
    let aliases: String = (0..5_000).map(|number| format!("a{number}: whoami {{ id }} ")).collect();
    let pages: String = (0..50)
        .map(|number| {
            format!("a{number}: auditEvents(filter: {{code: \"x\"}}) {{ edges {{ cursor }} }} ")
        })
        .collect();
    for query in [
        nested("{ peers { edges { node { asset { tenant", "} } } } }", 500),
        nested("{ a", "}", 5_000),
        format!("{{ peer(id: {}) {{ id }} }}", nested("[", "]", 5_000)),
        format!("{{ peer(id: {}) {{ id }} }}", nested("{a: ", "}", 5_000)),
        doubling,
        format!("{{ {aliases} }}"),
        format!("{{ {pages} }}"),
        "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
        format!("{{ whoami {} {{ id }} }}", repeat("@include(if: true) ", 5_000)),
        format!("query({}) {{ whoami {{ id }} }}", repeat("$a: Int ", 5_000)),
        format!("query A {{ whoami {{ id }} }} {}", repeat("query B { whoami { id } } ", 2_000)),
        repeat("#", 200_000),
        repeat("\u{feff}", 50_000),
        format!("{{ peer(id: \"{}\") {{ id }} }}", repeat("9", 200_000)),
        format!("{{ peers(first: {}) {{ edges {{ cursor }} }} }}", repeat("9", 10_000)),
    ] {
        let (status, answer) = port.query(&query, json!({}));
        let shown: String = query.chars().take(60).collect();
        let data = answer["data"].as_object().into_iter().flat_map(|data| data.values());
        assert!(data.into_iter().all(Value::is_null), "{shown}: {:.200}", answer.to_string());
        assert!(status == 400 || status == 200, "{status} for {shown}");
    }
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({ "a": [deep] });
    }
    let create = "mutation($input: CreateAssetInput!) { createAsset(input: $input) { success } }";
    let (_, answer) = port.query(create, json!({ "input": deep }));
    assert_eq!(answer["data"], Value::Null);
}
