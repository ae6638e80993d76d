//! The node that a command asks, and the secret that it shows, each with the place it was found in,
//! so that a failure can name that place.

use std::{fmt, path::PathBuf};

use clap::Args;
use http::Uri;
use ilp_connector::token::Secret;
use ilp_http::web::WebError;
use ilp_net::ServiceUrl;

use super::{Failure, secret_options};
use crate::{
    cli::{ConfigArgs, variable},
    config::Config,
    node_file::{self, NodeFile},
    web,
};

/// The environment variable that names the node.
const URL_VARIABLE: &str = "JIRANI_ADMIN_URL";

/// The environment variable that holds the admin secret.
const SECRET_VARIABLE: &str = "JIRANI_ADMIN_SECRET";

/// The options that name the node and the secret; all commands that ask a node have them.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct AdminOptions {
    /// The node's admin port; else JIRANI_ADMIN_URL, else admin.listen of the configuration, else
    /// what node.json in the data folder says, else http://127.0.0.1:3001
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The admin secret, where the node has one. Others can read it here: better is --secret-file,
    /// or JIRANI_ADMIN_SECRET
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    secret: Option<Secret>,
    /// A file with the admin secret; else JIRANI_ADMIN_SECRET, else the file that
    /// JIRANI_ADMIN_SECRET_FILE names, else admin.secret of the configuration
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

impl AdminOptions {
    /// Returns the options that name the node at `url` and nothing else.
    pub(super) fn at(url: String) -> Self {
        Self { url: Some(url), ..Self::default() }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text.to_owned()))
}

/// The admin port that a command asks, and the secret that it shows there.
#[derive(Clone, Debug)]
pub(super) struct AdminTarget {
    /// The URL of the GraphQL API.
    graphql: Uri,
    /// The scheme, the host and the port of the URL.
    origin: String,
    url_source: UrlSource,
    secret: Result<(Secret, SecretSource), NoSecret>,
}

/// The place in which the URL of the node was found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum UrlSource {
    Option,
    Variable,
    /// `admin.listen`, and the file or variable that sets it.
    Configuration(String),
    NodeFile(PathBuf),
    Default,
}

impl fmt::Display for UrlSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option => formatter.write_str("--url"),
            Self::Variable => formatter.write_str(URL_VARIABLE),
            Self::Configuration(origin) => write!(formatter, "admin.listen in {origin}"),
            Self::NodeFile(path) => write!(formatter, "{}", path.display()),
            Self::Default => formatter.write_str("the default of admin.listen"),
        }
    }
}

/// The place in which the secret was found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SecretSource {
    Option,
    File(PathBuf),
    /// `JIRANI_ADMIN_SECRET`, or the file that `JIRANI_ADMIN_SECRET_FILE` names.
    Variable,
    /// `admin.secret`, and the file or variable that sets it.
    Configuration(String),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option => formatter.write_str("--secret"),
            Self::File(path) => write!(formatter, "--secret-file {}", path.display()),
            Self::Variable => write!(formatter, "{SECRET_VARIABLE} or {SECRET_VARIABLE}_FILE"),
            Self::Configuration(origin) => write!(formatter, "admin.secret in {origin}"),
        }
    }
}

/// The reason why no secret is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NoSecret {
    /// No place has one.
    Absent,
    /// The configuration can't be read; the URL did not need it.
    Unreadable(String),
    /// The URL leads to another machine, and the configuration may be of another node.
    Elsewhere,
}

impl AdminTarget {
    /// Finds the node and the secret: from options, then from variables, then from the configuration
    /// that `jirani run` would read here, then from `node.json`.
    ///
    /// The secret of a configuration that no option names is sent to this machine alone: with
    /// `--url`, the configuration in this directory may be that of another node.
    ///
    /// # Errors
    /// A URL, a secret's file or a configuration that can't be read.
    pub(super) fn find(options: &AdminOptions) -> Result<Self, Failure> {
        let given = given_secret(options)?;
        let Some((url, url_source)) = given_url(options)? else {
            let config = options.config.load()?;
            let (url, url_source) = configured_url(&config);
            let secret = given.or_else(|| configured_secret(&config)).ok_or(NoSecret::Absent);
            let (known, graphql) = graphql(&url, &url_source)?;
            return Ok(Self { graphql, origin: known.origin(), url_source, secret });
        };
        let (known, graphql) = graphql(&url, &url_source)?;
        let secret = match given {
            Some(found) => Ok(found),
            None if options.config.is_named() => {
                configured_secret(&options.config.load()?).ok_or(NoSecret::Absent)
            }
            None if !known.host().is_this_machine() => Err(NoSecret::Elsewhere),
            None => match options.config.load() {
                Ok(config) => configured_secret(&config).ok_or(NoSecret::Absent),
                Err(failure) => Err(NoSecret::Unreadable(failure.to_string())),
            },
        };
        Ok(Self { graphql, origin: known.origin(), url_source, secret })
    }

    /// Returns the URL that requests go to.
    pub(super) fn graphql(&self) -> &Uri {
        &self.graphql
    }

    /// Returns the secret that requests show, if one was found.
    pub(super) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref().ok().map(|(secret, _)| secret)
    }

    /// Returns whether the URL comes from the configuration or `node.json`. The node is then on
    /// this machine, and no proxy lies between.
    pub(super) fn is_own_node(&self) -> bool {
        !matches!(self.url_source, UrlSource::Option | UrlSource::Variable)
    }

    /// Returns the scheme, the host and the port of the node's URL, with the place in which it was
    /// found.
    fn place(&self) -> String {
        format!("{} (from {})", self.origin, self.url_source)
    }

    /// Returns the failure that no answer came: the name doesn't resolve, no program listens, or
    /// the connection fails.
    pub(super) fn no_answer(&self, error: &WebError) -> Failure {
        let place = self.place();
        let why = web::reason(error, "it");
        Failure::Refused(match web::cause(error) {
            web::Cause::Name => {
                format!("no machine is known by the name in {place}: {why}; is the URL mistyped?")
            }
            web::Cause::NotListening => format!(
                "no program listens at {place}: {why}; is the node running? `jirani run` starts it"
            ),
            web::Cause::Other => format!(
                "no answer from {place}: {why}; is the node running, and is that its admin port?"
            ),
        })
    }

    /// Returns the failure that the node requires another secret, or requires one where none was
    /// shown.
    pub(super) fn refused(&self) -> Failure {
        let place = self.place();
        let give = format!("give the node's admin.secret with --secret-file or {SECRET_VARIABLE}");
        Failure::Refused(match &self.secret {
            Ok((_, source)) => format!(
                "{place} refuses the secret from {source}: it is not the node's admin.secret; {give}"
            ),
            Err(NoSecret::Absent) => {
                format!("{place} asks for a secret, and the configuration has none; {give}")
            }
            Err(NoSecret::Unreadable(why)) => {
                format!(
                    "{place} asks for a secret, and the configuration can't be read ({why}); {give}"
                )
            }
            Err(NoSecret::Elsewhere) => format!(
                "{place} asks for a secret, and the one in the configuration here is not sent to \
                 another machine unless --config names it; {give}"
            ),
        })
    }

    /// Returns the failure that a server other than the admin API answers at the URL.
    pub(super) fn not_admin_api(&self, status: http::StatusCode) -> Failure {
        Failure::Refused(format!(
            "{} answered HTTP status {status} and no GraphQL: is that the node's admin port?",
            self.place()
        ))
    }
}

/// Returns the URL that an option or the environment names.
fn given_url(options: &AdminOptions) -> Result<Option<(String, UrlSource)>, Failure> {
    if let Some(url) = &options.url {
        return Ok(Some((url.clone(), UrlSource::Option)));
    }
    let Some(url) = variable(URL_VARIABLE) else { return Ok(None) };
    let url = url.into_string().map_err(|_| {
        Failure::Usage(format!("the environment variable {URL_VARIABLE} is not UTF-8 text"))
    })?;
    Ok(Some((url, UrlSource::Variable)))
}

/// Returns the secret that an option or the environment gives.
fn given_secret(options: &AdminOptions) -> Result<Option<(Secret, SecretSource)>, Failure> {
    if let Some(secret) = &options.secret {
        return Ok(Some((secret.clone(), SecretSource::Option)));
    }
    if let Some(path) = &options.secret_file {
        let secret = secret_options::from_file(path)?;
        return Ok(Some((Secret::new(secret), SecretSource::File(path.clone()))));
    }
    let secret = secret_options::from_environment(SECRET_VARIABLE)?;
    Ok(secret.map(|secret| (Secret::new(secret), SecretSource::Variable)))
}

fn configured_secret(config: &Config) -> Option<(Secret, SecretSource)> {
    let secret = config.admin.secret.clone()?;
    let origin = config.origin_of("admin.secret").unwrap_or_default();
    Some((secret, SecretSource::Configuration(origin.to_owned())))
}

/// Returns the address of `admin.listen`. A port that was picked at the start, or that another
/// environment may have set, is in `node.json`.
fn configured_url(config: &Config) -> (String, UrlSource) {
    let url = |listen| format!("http://{}", node_file::reached_at(listen));
    let listen = config.admin.listen;
    match config.origin_of("admin.listen") {
        Some(origin) if listen.port() != 0 => {
            (url(listen), UrlSource::Configuration(origin.to_owned()))
        }
        origin => match (NodeFile::admin_listen(&config.node.data_dir), origin) {
            (Some(listen), _) => {
                (url(listen), UrlSource::NodeFile(NodeFile::path(&config.node.data_dir)))
            }
            (None, Some(origin)) => (url(listen), UrlSource::Configuration(origin.to_owned())),
            (None, None) => (url(listen), UrlSource::Default),
        },
    }
}

/// Reads a node's URL, with or without `/graphql` at its end, and returns the URL of the GraphQL
/// API in both forms.
fn graphql(url: &str, source: &UrlSource) -> Result<(ServiceUrl, Uri), Failure> {
    let base = url.trim_end_matches('/');
    let base = base.strip_suffix("/graphql").unwrap_or(base);
    let known = ServiceUrl::parse(&format!("{base}/graphql")).ok().filter(|url| !url.has_query());
    let read = known.and_then(|known| Some((known.reveal().parse().ok()?, known)));
    let (uri, known) = read.ok_or_else(|| {
        // The part before an @ may contain a password.
        let shown = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
        Failure::Usage(format!(
            "`{shown}` (from {source}) is not the URL of an admin port: expected http:// or https://, \
             a host and a port, such as http://127.0.0.1:3001"
        ))
    })?;
    Ok((known, uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<String, String> {
        let read = graphql(url, &UrlSource::Option);
        read.map(|(_, uri)| uri.to_string()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_url_is_taken_with_its_path_and_without_a_scheme_refused() {
        for (url, to) in [
            ("http://127.0.0.1:3001", "http://127.0.0.1:3001/graphql"),
            ("http://127.0.0.1:3001/graphql/", "http://127.0.0.1:3001/graphql"),
            ("https://admin.example/node/", "https://admin.example/node/graphql"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(to));
        }
        for url in
            ["127.0.0.1:3001", "localhost", "htp://x", "http://", "ftp://x/", "http://a b", ""]
        {
            let refused = read(url).unwrap_err();
            let words = format!("`{url}` (from --url) is not the URL of an admin port");
            assert!(refused.contains(&words), "{refused}");
        }
        let refused = read("user:hush@x").unwrap_err();
        assert!(!refused.contains("hush"), "{refused}");
    }

    #[test]
    fn no_user_name_is_shown_and_this_machine_is_known() {
        let here = |url: &str| graphql(url, &UrlSource::Option).unwrap().0.host().is_this_machine();
        let (known, graphql) =
            graphql("https://user:hush@x.example/a", &UrlSource::Option).unwrap();
        let target = AdminTarget {
            graphql,
            origin: known.origin(),
            url_source: UrlSource::Option,
            secret: Err(NoSecret::Absent),
        };
        assert_eq!(target.place(), "https://x.example (from --url)");
        for near in ["http://localhost:1", "http://127.1.2.3", "http://[::1]:1", "http://0.0.0.0:1"]
        {
            assert!(here(near), "{near}");
        }
        for far in ["http://10.0.0.1", "http://x.example", "http://localhost.example"] {
            assert!(!here(far), "{far}");
        }
    }
}
