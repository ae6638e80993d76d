mod limits;

use ilp_connector::token::Secret;
use ilp_http::spsp::PrivateReceivers;

use super::{keys::KEYS, *};

fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with_file(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut settings = Settings::defaults();
    settings.add_file(Path::new("jirani.toml"), text)?;
    settings.add_environment(&environment(pairs))?;
    Config::from_settings(&settings)
}

fn refusal(text: &str, pairs: &[(&str, &str)]) -> String {
    with_file(text, pairs).expect_err("a refusal").to_string()
}

#[test]
fn the_sample_file_names_every_key_with_its_default() {
    // A key without a default is commented out in the sample, with an example.
    let uncommented: String = SAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => {
                rest
            }
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut everything = Settings::defaults();
    everything.add_file(Path::new("jirani.toml"), &uncommented).expect("every key is known");

    let table: toml::Table = uncommented.parse().expect("TOML");
    let plain: toml::Table = SAMPLE.parse().expect("TOML");
    let find = |table: &toml::Table, name: &str| match name.split_once('.') {
        None => table.get(name).cloned(),
        Some((outer, inner)) => table.get(outer).and_then(|table| table.get(inner)).cloned(),
    };
    for key in KEYS {
        assert!(find(&table, key.name).is_some(), "{} is not in config/jirani.toml", key.name);
        let shown = find(&plain, key.name).map(|value| match value {
            toml::Value::String(text) => text,
            other => other.to_string(),
        });
        assert_eq!(shown.as_deref(), key.default, "{}", key.name);
    }
}

#[test]
fn the_sample_file_means_the_same_as_no_file() {
    let from_sample = with_file(SAMPLE, &[]).expect("the sample is right");
    let from_nothing = with_file("", &[]).expect("the defaults are right");
    assert_eq!(from_sample.node.ilp_address, from_nothing.node.ilp_address);
    assert_eq!(from_sample.ilp.listen, from_nothing.ilp.listen);
    assert_eq!(from_sample.admin.listen, from_nothing.admin.listen);
    assert!(from_sample.admin.secret.is_none());
}

#[test]
fn the_environment_wins_over_the_file_and_our_names_win_over_rafikis() {
    let file = "ilp_address = \"test.file\"\n[ilp]\nlisten = \"127.0.0.1:1\"";
    let config = with_file(file, &[("ILP_ADDRESS", "test.rafiki"), ("CONNECTOR_PORT", "4002")]);
    let config = config.expect("a configuration");
    assert_eq!(config.node.ilp_address.as_str(), "test.rafiki");
    assert_eq!(config.ilp.listen.to_string(), "0.0.0.0:4002");

    let ours = [("ILP_ADDRESS", "test.rafiki"), ("JIRANI_ILP_ADDRESS", "test.ours")];
    assert_eq!(
        with_file(file, &ours).expect("a configuration").node.ilp_address.as_str(),
        "test.ours"
    );
}

#[test]
fn a_wrong_value_names_the_key_the_value_and_the_form() {
    let message = refusal("[ilp]\nlisten = \"here\"", &[]);
    assert!(message.contains("ilp.listen = here (from jirani.toml)"), "{message}");
    assert!(message.contains("0.0.0.0:3002"), "{message}");

    let wrong = [
        ("JIRANI_ILP_ADDRESS", "not an address"),
        ("JIRANI_ILP_ADDRESS", "g"),
        ("JIRANI_LOG_FORMAT", "xml"),
        ("JIRANI_PACKET_HOLD_MS_MAX", "-1"),
        ("JIRANI_PACKET_HOLD_MS_MAX", "30s"),
        ("JIRANI_PACKET_AMOUNT_MAX_DEFAULT", "18446744073709551616"),
        ("JIRANI_PEER_PACKETS_PER_MINUTE_MAX", "many"),
        ("JIRANI_ADMIN_LISTEN", "127.0.0.1"),
        ("JIRANI_ILP_PUBLIC_URL", "ftp://x"),
        ("JIRANI_OPERATOR_TENANT_ID", "1"),
        ("JIRANI_WEBHOOK_ATTEMPTS_MAX", "1.5"),
        ("JIRANI_WEBHOOK_ATTEMPTS_MAX", "0"),
        ("JIRANI_WEBHOOK_TIMEOUT_MS", "60001"),
        ("JIRANI_RETENTION_EVENT_DAYS", "0"),
        ("JIRANI_RETENTION_JOURNAL_SEGMENTS_MIN", "some"),
        ("JIRANI_AUTO_PEERING", "maybe"),
        ("JIRANI_AUTO_PEERING_APPROVAL", "never"),
        ("JIRANI_AUTO_PEERING_LIQUIDITY", "-1"),
        ("JIRANI_AUTO_PEERING_PEERS_MAX", "10001"),
        ("JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS", "some"),
        ("JIRANI_RETENTION_AUDIT_DAYS", "0"),
        ("JIRANI_ILP_CONNECTIONS_MAX", "0"),
        ("JIRANI_LOG", "verbose"),
        ("JIRANI_LOG", "info,loud"),
    ];
    for (variable, value) in wrong {
        let message = refusal("", &[(variable, value)]);
        assert!(message.contains(value) && message.contains(variable), "{message}");
        assert!(message.contains("expected"), "{message}");
    }
}

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    let message = refusal("[ilp]\nlisen = \"127.0.0.1:1\"", &[]);
    assert!(message.contains("ilp.lisen") && message.contains("mean ilp.listen?"), "{message}");
    for (file, said) in [
        (
            "[ipl]\nlisten = \"127.0.0.1:1\"",
            "section [ipl] (from jirani.toml); did you mean [ilp]?",
        ),
        (
            "[retension]\nevent_days = 3",
            "[retension] (from jirani.toml); did you mean [retention]?",
        ),
        (
            "[ilp]\nsecret = \"0123456789abcdef\"",
            "ilp.secret (from jirani.toml); did you mean admin.secret?",
        ),
        ("[peer]\nexpiry_margin_ms = 5", "did you mean packet.expiry_margin_ms?"),
        ("listen = \"127.0.0.1:1\"", "did you mean ilp.listen?"),
    ] {
        let message = refusal(file, &[]);
        assert!(message.contains(said), "{file}: {message}");
    }
    let message = refusal("", &[("JIRANI_ILP_ADRESS", "g.x")]);
    assert!(message.contains("mean JIRANI_ILP_ADDRESS?"), "{message}");
    // Variables of other programs are ignored.
    with_file("", &[("PATH", "/bin"), ("KUBERNETES_PORT", "1")]).expect("a configuration");
}

#[test]
fn files_that_are_no_configuration_are_refused() {
    for text in [
        "=",
        "[ilp",
        "ilp = 1",
        "[foo]",
        "[ilp.foo]",
        "ilp_address = [1]",
        "ilp_address = 1.5",
        "\u{0}",
    ] {
        assert!(with_file(text, &[]).is_err(), "{text:?}");
    }
}

#[test]
fn a_short_or_missing_secret_is_refused_and_never_shown() {
    let message = refusal("", &[("JIRANI_ADMIN_SECRET", "hunter2")]);
    assert!(message.contains("16 characters") && !message.contains("hunter2"), "{message}");
    let message = refusal("[admin]\nsecret = \"hunter2", &[]);
    assert!(message.contains("line 2") && !message.contains("hunter2"), "{message}");
    let message = refusal("", &[("JIRANI_METRICS_SECRET", "hunter2")]);
    assert!(message.contains("16 characters") && !message.contains("hunter2"), "{message}");
    let message = refusal("", &[("STREAM_SECRET", "aHVudGVyMg==")]);
    assert!(message.contains("32 bytes") && !message.contains("aHVu"), "{message}");
    let message = refusal("[admin]\nsecret = [\"hunter2\"]", &[]);
    assert!(!message.contains("hunter2"), "{message}");
    let message = refusal("", &[("WEBHOOK_URL", "ftp://x/?token=hunter2")]);
    assert!(message.contains("webhook.url") && !message.contains("hunter2"), "{message}");

    let open = [("JIRANI_ADMIN_LISTEN", "0.0.0.0:3001")];
    assert!(refusal("", &open).contains("admin.secret"), "an open admin port needs a secret");
    let closed = [open[0], ("JIRANI_ADMIN_SECRET", "correct horse battery staple")];
    let config = with_file("", &closed).expect("a configuration");
    assert!(!format!("{config:?}").contains("horse"));
}

#[test]
fn a_rafiki_backends_webhook_variables_are_understood_and_never_shown() {
    let config = with_file(
        "",
        &[
            ("WEBHOOK_URL", "http://127.0.0.1:4000/webhooks?token=hush"),
            ("SIGNATURE_SECRET", "whist"),
            ("WEBHOOK_TIMEOUT", "500"),
            ("WEBHOOK_MAX_RETRY", "3"),
        ],
    );
    let config = config.expect("a configuration");
    assert_eq!((config.webhook.timeout_ms, config.webhook.attempts_max), (500, 3));
    let url = config.webhook.url.as_ref().expect("a URL");
    assert!(url.reveal().ends_with("token=hush"));
    let shown = format!("{config:?}");
    assert!(!shown.contains("hush") && !shown.contains("whist"), "{shown}");
    assert!(config.warnings.iter().all(|warning| !warning.contains("webhook")));
}

#[test]
fn a_short_secret_by_rafikis_name_is_taken_on_loopback_with_a_warning() {
    let short = ("ADMIN_API_SECRET", "hunter2");
    let config = with_file("", &[short, ("ADMIN_PORT", "4001")]).expect("a configuration");
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:4001");
    assert_eq!(config.admin.secret.as_ref().map(Secret::reveal), Some("hunter2"));
    let warned = config.warnings.iter().find(|warning| warning.contains("16 characters"));
    assert!(warned.is_some_and(|warning| !warning.contains("hunter2")), "{:?}", config.warnings);
    let open = [short, ("JIRANI_ADMIN_LISTEN", "0.0.0.0:3001")];
    let message = refusal("", &open);
    assert!(message.contains("ADMIN_API_SECRET") && !message.contains("hunter2"), "{message}");
}

#[test]
fn a_port_alone_listens_everywhere_behind_a_secret_and_an_address_stays_as_it_is() {
    let secret = ("ADMIN_API_SECRET", "correct horse battery staple");
    let listen = |pairs: &[(&str, &str)]| with_file("", pairs).unwrap().admin.listen.to_string();
    assert_eq!(listen(&[secret, ("ADMIN_PORT", "4001")]), "0.0.0.0:4001");
    assert_eq!(listen(&[secret, ("JIRANI_ADMIN_PORT", " 4001 ")]), "0.0.0.0:4001");
    assert_eq!(listen(&[("ADMIN_PORT", "4001")]), "127.0.0.1:4001");
    assert_eq!(listen(&[secret]), "127.0.0.1:3001");
    let address = ("JIRANI_ADMIN_LISTEN", "127.0.0.1:5001");
    assert_eq!(listen(&[secret, ("ADMIN_PORT", "4001"), address]), "127.0.0.1:5001");
    let link = ("ADMIN_PORT", "tcp://10.0.0.1:80");
    assert_eq!(
        listen(&[secret, link, ("JIRANI_ADMIN_PORT", "tcp://10.0.0.1:3001")]),
        "127.0.0.1:3001"
    );
    assert!(refusal("", &[("ADMIN_PORT", "http")]).contains("admin.listen = http"));
}

#[test]
fn rafikis_spellings_mean_what_they_say() {
    let filter = |level| with_file("", &[("LOG_LEVEL", level)]).unwrap().log.filter;
    for (level, meant) in [
        ("silent", "off"),
        ("Fatal", "error"),
        ("INFO", "info"),
        (" debug ", "debug"),
        ("", "info"),
    ] {
        assert_eq!(filter(level), meant, "{level}");
    }
    assert!(refusal("", &[("LOG_LEVEL", "loud")]).contains("log = loud"));
    let is_on = |text| {
        let config = with_file("", &[("ENABLE_AUTO_PEERING", text)]).unwrap();
        config.auto_peering.enabled_listen().is_some()
    };
    for (text, meant) in
        [("1", true), ("TRUE", true), ("true", true), ("0", false), ("False", false), ("", false)]
    {
        assert_eq!(is_on(text), meant, "{text}");
    }
    assert!(refusal("", &[("ENABLE_AUTO_PEERING", "maybe")]).contains("true or false"));
    let secret =
        |text| with_file("", &[("STREAM_SECRET", text)]).unwrap().node.stream_secret.unwrap();
    let bytes = *secret("6jR5iNIVRvqeasJeCty6C+YB5X9FhSOUPCL/5nha5Vs=").reveal();
    for text in [
        "6jR5iNIVRvqeasJeCty6C+YB5X9FhSOUPCL/5nha5Vs",
        "6jR5iNIVRvqeasJeCty6C-YB5X9FhSOUPCL_5nha5Vs",
        "6jR5iNIVRvqeasJeCty6C-YB5X9FhSOUPCL_5nha5Vs=",
        "ea347988d21546fa9e6ac25e0adcba0be601e57f458523943c22ffe6785ae55b",
        "EA347988D21546FA9E6AC25E0ADCBA0BE601E57F458523943C22FFE6785AE55B",
    ] {
        assert_eq!(secret(text).reveal(), &bytes, "{text}");
    }
    for wrong in
        ["ea34", &"e".repeat(63), &"g".repeat(64), "6jR5iNIVRvqeasJeCty6C+YB5X9FhSOUPCL_5nha5Vs"]
    {
        assert!(refusal("", &[("STREAM_SECRET", wrong)]).contains("32 bytes"), "{wrong}");
    }
}

#[test]
fn private_receivers_are_left_alone_once_the_node_is_public() {
    let found = |pairs: &[(&str, &str)]| with_file("", pairs).unwrap().wallet.private_receivers;
    let public = ("OPEN_PAYMENTS_URL", "https://wallet.example.com");
    assert_eq!(found(&[]), PrivateReceivers::Unspecific);
    assert_eq!(found(&[public]), PrivateReceivers::Refused);
    assert_eq!(found(&[("ILP_CONNECTOR_URL", "https://1.1.1.1/ilp")]), PrivateReceivers::Refused);
    let names =
        ["http://127.0.0.1:3003", "https://wallet", "https://a.localhost", "http://10.1.2.3"];
    for near in names {
        assert_eq!(found(&[("JIRANI_WALLET_PUBLIC_URL", near)]), PrivateReceivers::Unspecific);
    }
    let allowed = ("JIRANI_WALLET_PRIVATE_RECEIVERS", "true");
    assert_eq!(found(&[public, allowed]), PrivateReceivers::Allowed);
    let refused = ("JIRANI_WALLET_PRIVATE_RECEIVERS", "false");
    assert_eq!(found(&[refused]), PrivateReceivers::Refused);
}

#[test]
fn proxies_that_are_none_are_warned_of_and_never_shown() {
    let variables = environment(&[
        ("HTTPS_PROXY", "socks5://user:hush@proxy:1080"),
        ("HTTP_PROXY", "http://user:hush@proxy:3128"),
    ]);
    let config = Config::load(Some(Path::new("/dev/null")), &variables).expect("a configuration");
    assert!(config.warnings.iter().any(|warning| warning.starts_with("HTTPS_PROXY is not")));
    assert!(!config.proxies.is_empty() && !format!("{config:?}").contains("hush"));
}

#[test]
fn rates_come_from_a_service_whose_url_is_never_shown_and_from_a_list() {
    let service = ("EXCHANGE_RATES_URL", "http://127.0.0.1:4000/rates?key=hush");
    let fixed = ("JIRANI_RATES_FIXED", "USD/EUR=0.92, MXN/USD = 0.06");
    let lifetime = ("EXCHANGE_RATES_LIFETIME", "60000");
    let config = with_file("", &[service, lifetime, fixed]).expect("a configuration");
    let shown = format!("{config:?}");
    assert!(config.rates.url.is_some() && !shown.contains("hush"), "{shown}");
    assert_eq!(config.rates.lifetime_ms, 60_000);
    let fixed: Vec<_> = config
        .rates
        .fixed
        .iter()
        .map(|(base, quote, rate)| format!("{base} {quote} {rate}"))
        .collect();
    assert_eq!(fixed, ["USD EUR 0.92", "MXN USD 0.06"]);
    for wrong in [
        "USD/EUR",
        "USD=0.92",
        "USD/EUR=0",
        "USD/EUR=1e3",
        "USD/USD=1",
        "/EUR=1",
        "USD/EUR=0.92,",
        "USD/EUR=0.92, USD/EUR=0.93",
    ] {
        let message = refusal("", &[("JIRANI_RATES_FIXED", wrong)]);
        assert!(message.contains("rates.fixed") && message.contains("USD/EUR=0.92, USD/MXN"));
    }
    let message = refusal("", &[("JIRANI_RATES_URL", "hush.example")]);
    assert!(message.contains("rates.url") && !message.contains("hush"), "{message}");
}

#[test]
fn a_parent_is_asked_only_where_no_address_is_given() {
    let parent = ("JIRANI_ILDCP_PARENT_PEER", "g.parent");
    let config = with_file("", &[parent]).expect("a configuration");
    assert_eq!(config.ildcp.parent_peer.as_deref(), Some("g.parent"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let config = with_file("", &[parent, ("ILP_ADDRESS", "g.me")]).expect("a configuration");
    assert_eq!(config.ildcp.parent_peer, None);
    assert!(config.warnings.iter().any(|warning| warning.contains("ildcp.parent_peer")));
    assert!(refusal("[ildcp]\nparent_peer = \"my parent\"", &[]).contains("the id of a peer"));
}

#[test]
fn an_empty_variable_brings_back_the_default() {
    let file = "name = \"from a file\"\nilp_address = \"test.file\"";
    let empty = [("JIRANI_NAME", ""), ("ILP_ADDRESS", ""), ("LOG_LEVEL", ""), ("WEBHOOK_URL", "")];
    let config = with_file(file, &empty).expect("a configuration");
    assert_eq!(
        (config.node.name.as_str(), config.node.ilp_address.as_str()),
        ("jirani", "test.jirani")
    );
    assert_eq!((config.log.filter.as_str(), config.webhook.url.is_none()), ("info", true));
}

#[test]
fn a_collector_is_refused_by_a_jirani_that_can_send_nothing_to_it_and_never_shown() {
    let url = [("JIRANI_OTLP_URL", "http://127.0.0.1:4318/?token=hush")];
    if crate::trace::IS_BUILT_IN {
        let config = with_file("", &url).expect("a configuration");
        assert!(config.telemetry.otlp_url.is_some() && !format!("{config:?}").contains("hush"));
    } else {
        let message = refusal("", &url);
        assert!(message.contains("telemetry.otlp_url") && message.contains("--features otlp"));
        assert!(!message.contains("hush"), "{message}");
    }
    let message = refusal("", &[("JIRANI_OTLP_URL", "grpc://hush")]);
    assert!(message.contains("telemetry.otlp_url") && !message.contains("hush"), "{message}");
}

#[test]
fn what_is_listed_says_where_it_comes_from_and_no_secret() {
    let file = "ilp_address = \"g.shop\"\n[webhook]\nurl = \"https://a.example/?token=hushhush\"";
    let set = [("JIRANI_ADMIN_SECRET", "correct horse battery"), ("CONNECTOR_PORT", "4002")];
    let listed = with_file(file, &set).unwrap().listed;
    assert_eq!(listed.len(), KEYS.len());
    let of = |key: &str| listed.iter().find(|setting| setting.key == key).unwrap();
    assert_eq!(of("ilp_address").value.as_deref(), Some("g.shop"));
    assert_eq!(of("ilp_address").origin.as_deref(), Some("jirani.toml"));
    assert_eq!(of("ilp.listen").value.as_deref(), Some("0.0.0.0:4002"));
    assert_eq!(of("ilp.listen").origin.as_deref(), Some("environment variable CONNECTOR_PORT"));
    assert_eq!((of("name").value.as_deref(), of("name").origin.clone()), (Some("jirani"), None));
    for secret in ["admin.secret", "webhook.url"] {
        assert!(of(secret).is_set && of(secret).value.is_none(), "{secret}");
    }
    assert!(!of("webhook.secret").is_set);
    let all = format!("{listed:?}");
    assert!(!all.contains("correct horse") && !all.contains("hushhush"), "{all}");
}
