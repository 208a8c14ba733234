//! The admin address: policies and what server groups make of them, over HTTP.
//!
//! In come requests, out go answers in Prometheus's envelope. What may be done
//! and what it does is [`Manage`]'s business; here is who may ask, how a
//! request is read, and what is kept of it in the audit log. Calls of
//! [`Manage`] block, so they run beside the reactor; one that has begun goes on
//! when its client leaves.

mod access;
mod audit;
mod error;
mod json;
mod page;
mod route;
mod tags;
mod tokens;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Body as _;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, ETAG, HeaderName, HeaderValue,
    LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use tokio::task::spawn_blocking;

pub use self::access::Access;
use self::access::{Caller, Refusals};
use self::audit::Action;
pub use self::error::Error;
use self::route::Target;
use self::tags::{Conditions, Outcome};
pub use self::tokens::Tokens;
use self::upload::Uploads;
use crate::api::{self, Form, reply};
use crate::registry::{self, BindingInfo, Expect, GroupInfo, Manage, Role, names};
use crate::server::body::Body;
use crate::server::compress::Coding;
use crate::server::{App, Boxed, Fault, Note, Unread};
use crate::telemetry::Metrics;

/// Largest JSON body.
const MAX_JSON_BYTES: usize = 1 << 20;
/// When a client may try again, in seconds.
const RETRY_SECONDS: &str = "2";

/// What does not change while the process runs.
#[derive(Debug)]
pub struct Settings {
    /// Who may ask.
    pub access: Access,
    /// Largest component.
    pub max_upload_bytes: u64,
    /// How long a client may send nothing of its upload.
    pub upload_stall: Duration,
}

/// The app of the admin address.
pub struct Admin {
    manage: Arc<dyn Manage>,
    metrics: Arc<Metrics>,
    access: Access,
    refusals: Refusals,
    uploads: Uploads,
}

/// What came of a request.
struct Reply {
    status: StatusCode,
    content: Content,
    /// The revision.
    tag: Option<String>,
    /// The policy and the version that an action was about, where only its
    /// outcome tells.
    policy: Option<String>,
    digest: Option<String>,
    /// For the audit log.
    remark: &'static str,
    /// Where what was made is.
    location: Option<String>,
}

enum Content {
    /// An envelope.
    Json(Vec<u8>),
    /// A component, and the name of a file for it.
    Wasm(Vec<u8>, String),
    /// A text or page, and its type.
    Text(&'static str, String),
    /// The methods that a path takes.
    Options(String),
}

/// Something to do beside the reactor.
type Job = Box<dyn FnOnce(&dyn Manage) -> Result<Reply, Error> + Send>;

/// A request for something, from somebody who may ask.
struct Asked<'a> {
    head: &'a request::Parts,
    caller: Caller,
}

impl Admin {
    /// The app over what can be managed.
    #[must_use]
    pub fn new(manage: Arc<dyn Manage>, metrics: Arc<Metrics>, settings: Settings) -> Self {
        let uploads = Uploads::new(settings.max_upload_bytes, settings.upload_stall);
        let access = settings.access;
        Self { manage, metrics, access, refusals: Refusals::default(), uploads }
    }

    async fn respond(&self, request: Request<Unread>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let coding = Coding::negotiate(&head.headers);
        let mut response = match self.serve(&head, body).await {
            Ok(reply) => reply.into_response(&head, coding),
            Err(error) => {
                self.refusals.tell(&error, &head, &self.metrics);
                self.failure(error, coding)
            }
        };
        if head.method == Method::HEAD {
            // HTTP/2 does not leave the body away by itself.
            if let Some(length) = response.body().size_hint().exact() {
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            *response.body_mut() = Body::empty();
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    async fn serve(&self, head: &request::Parts, body: Unread) -> Result<Reply, Error> {
        let target = Target::of(head.uri.path());
        let handler =
            target.as_ref().ok().and_then(Option::as_ref).map_or("admin", Target::handler);
        if let Some(note) = head.extensions.get::<Note>() {
            note.set(handler, String::new());
        }
        let is_open = matches!(&target, Ok(Some(target)) if target.is_open());
        let caller = if is_open { None } else { Some(self.access.check(head).await?) };
        let target = target?.ok_or_else(|| Error::NotFound(head.uri.path().to_owned()))?;
        if head.method == Method::OPTIONS {
            return Ok(Reply::of(Content::Options(target.allowed())));
        }
        target.check(&head.method)?;
        match caller {
            None => Ok(page::of(&target, &self.access)),
            Some(caller) => self.managed(target, Asked { head, caller }, body).await,
        }
    }

    async fn managed(
        &self,
        target: Target,
        asked: Asked<'_>,
        body: Unread,
    ) -> Result<Reply, Error> {
        let job = match (target, &asked.head.method) {
            (Target::Policy(name), &Method::PUT) => return self.upload(name, asked, body).await,
            (Target::Policy(name), &Method::DELETE) => {
                return self.delete(name, None, &asked).await;
            }
            (Target::Version(name, digest), &Method::DELETE) => {
                return self.delete(name, Some(digest), &asked).await;
            }
            (Target::Binding(group), &Method::PUT) => return self.bind(group, asked, body).await,
            (Target::Binding(group), &Method::DELETE) => return self.unbind(group, &asked).await,
            (Target::Promote(group), _) => {
                return self.turn(group, Turn::Promote, asked, body).await;
            }
            (Target::Rollback(group), _) => {
                return self.turn(group, Turn::Rollback, asked, body).await;
            }
            (target, _) => read(target),
        };
        parameters(asked.head, &[])?;
        let conditions = Conditions::of(&asked.head.headers)?;
        let reply = self.beside(job, None).await?;
        match conditions.outcome(reply.tag.as_deref()) {
            Outcome::Full => Ok(reply),
            Outcome::NotModified => Ok(Reply { status: StatusCode::NOT_MODIFIED, ..reply }),
            Outcome::Failed => Err(registry::Error::Precondition {
                what: asked.head.uri.path().to_owned(),
                current: reply.tag.unwrap_or_default(),
                expected: "what If-Match says".to_owned(),
            }
            .into()),
        }
    }

    async fn upload(&self, name: String, asked: Asked<'_>, body: Unread) -> Result<Reply, Error> {
        let mut action = self.action("upload", &asked);
        action.policy.clone_from(&name);
        let taken = self.take(&name, asked.head, body).await;
        let (upload, expect) = match taken {
            Ok(taken) => taken,
            Err(error) => return Err(action.failed(error)),
        };
        action.digest.clone_from(&upload.digest);
        let by = asked.caller.by().to_owned();
        let job = move |manage: &dyn Manage| {
            let changed = manage.put(&name, &upload.bytes, &expect, &by)?;
            let digest = changed.version.digest.clone();
            let (status, remark) = if changed.created {
                (StatusCode::CREATED, "stored")
            } else {
                (StatusCode::OK, "the newest version already")
            };
            Ok(Reply {
                status,
                remark,
                tag: Some(digest.clone()),
                location: Some(format!("/api/v1/policies/{name}/{digest}")),
                digest: Some(digest),
                ..Reply::json(&changed)
            })
        };
        self.beside(Box::new(job), Some(action)).await
    }

    /// Checks all that can be checked without the body, and takes that.
    async fn take(
        &self,
        name: &str,
        head: &request::Parts,
        body: Unread,
    ) -> Result<(upload::Upload, Expect), Error> {
        parameters(head, &[])?;
        check_new_name(name)?;
        self.uploads.check(&head.headers, &body)?;
        let expect = Conditions::of(&head.headers)?.expect()?;
        if expect != Expect::Anything {
            let (name, expect) = (name.to_owned(), expect.clone());
            let job = move |manage: &dyn Manage| {
                meets(&name, manage.policy(&name), &expect)?;
                Ok(Reply::json(&()))
            };
            self.beside(Box::new(job), None).await?;
        }
        Ok((self.uploads.take(body).await?, expect))
    }

    async fn delete(
        &self,
        name: String,
        digest: Option<String>,
        asked: &Asked<'_>,
    ) -> Result<Reply, Error> {
        let mut action = self.action("delete", asked);
        action.policy.clone_from(&name);
        action.digest = digest.clone().unwrap_or_default();
        let expect = match parameters(asked.head, &[]).and_then(|_| expectation(asked.head)) {
            Ok(expect) => expect,
            Err(error) => return Err(action.failed(error)),
        };
        let job = move |manage: &dyn Manage| {
            names::check(&name)?;
            let digest = digest.map(|digest| resolve(manage, &name, digest)).transpose()?;
            manage.delete(&name, digest.as_deref(), &expect)?;
            let data = json!({ "policy": name, "digest": digest });
            Ok(Reply { digest, remark: "deleted", ..Reply::json(&data) })
        };
        self.beside(Box::new(job), Some(action)).await
    }

    async fn bind(&self, group: String, asked: Asked<'_>, body: Unread) -> Result<Reply, Error> {
        let mut action = self.action("bind", &asked);
        action.group.clone_from(&group);
        let read = async {
            parameters(asked.head, &[])?;
            let expect = expectation(asked.head)?;
            Ok((json::bind(&body.whole(MAX_JSON_BYTES).await?)?, expect))
        };
        let (bind, expect) = match read.await {
            Ok(read) => read,
            Err(error) => return Err(action.failed(error)),
        };
        action.policy = bind.name.clone().unwrap_or_default();
        action.digest = bind.digest.clone().unwrap_or_default();
        let by = asked.caller.by().to_owned();
        let job = move |manage: &dyn Manage| {
            let info = manage.bind(&group, &bind, &expect, &by)?;
            let remark = if bind.shadow { "bound as a shadow" } else { "bound" };
            let shadow = info.shadow.as_ref().filter(|_| bind.shadow);
            let bound = shadow.unwrap_or(&info.active);
            Ok(Reply { remark, ..Reply::binding(&info, bound) })
        };
        self.beside(Box::new(job), Some(action)).await
    }

    async fn unbind(&self, group: String, asked: &Asked<'_>) -> Result<Reply, Error> {
        let mut action = self.action("unbind", asked);
        action.group.clone_from(&group);
        let read = || {
            let form = parameters(asked.head, &["shadow"])?;
            Ok((role(form.first("shadow"))?, expectation(asked.head)?))
        };
        let (role, expect) = match read() {
            Ok(read) => read,
            Err(error) => return Err(action.failed(error)),
        };
        let job = move |manage: &dyn Manage| {
            // For the audit log: afterwards nobody knows what it was.
            let before = manage.group(&group)?;
            let info = manage.unbind(&group, role, &expect)?;
            Ok(match (role, before.shadow) {
                (Role::Shadow, Some(shadow)) => {
                    Reply { remark: "shadow taken back", ..Reply::binding(&info, &shadow) }
                }
                _ => Reply { remark: "taken back", ..Reply::binding(&info, &before.active) },
            })
        };
        self.beside(Box::new(job), Some(action)).await
    }

    async fn turn(
        &self,
        group: String,
        turn: Turn,
        asked: Asked<'_>,
        body: Unread,
    ) -> Result<Reply, Error> {
        let mut action = self.action(turn.name(), &asked);
        action.group.clone_from(&group);
        let read = async {
            parameters(asked.head, &[])?;
            json::nothing(&body.whole(MAX_JSON_BYTES).await?)?;
            expectation(asked.head)
        };
        let expect = match read.await {
            Ok(expect) => expect,
            Err(error) => return Err(action.failed(error)),
        };
        let by = asked.caller.by().to_owned();
        let job = move |manage: &dyn Manage| {
            let info = match turn {
                Turn::Promote => manage.promote(&group, &expect, &by)?,
                Turn::Rollback => manage.rollback(&group, &expect, &by)?,
            };
            Ok(Reply { remark: turn.done(), ..Reply::binding(&info, &info.active) })
        };
        self.beside(Box::new(job), Some(action)).await
    }

    fn action(&self, name: &'static str, asked: &Asked<'_>) -> Action {
        Action::new(name, asked.caller.clone(), Arc::clone(&self.metrics))
    }

    /// Does something that blocks, and tells the audit log: there, so that it
    /// is told also if the client has left.
    async fn beside(&self, job: Job, action: Option<Action>) -> Result<Reply, Error> {
        let manage = Arc::clone(&self.manage);
        let done = spawn_blocking(move || {
            let result = job(&*manage);
            if let Some(action) = action {
                action.ended(&result);
            }
            result
        });
        done.await.unwrap_or_else(|_| {
            self.metrics.panic("admin");
            Err(Fault::Panic.into())
        })
    }

    fn failure(&self, error: Error, coding: Coding) -> Response<Body> {
        let mut more: Vec<(HeaderName, String)> = Vec::new();
        match &error {
            Error::Method { allowed, .. } => more.push((ALLOW, allowed.clone())),
            Error::Busy => more.push((RETRY_AFTER, RETRY_SECONDS.to_owned())),
            Error::Unauthorized(_) => {
                more.extend(
                    self.access.challenge().map(|text| (WWW_AUTHENTICATE, text.to_owned())),
                );
            }
            _ => {}
        }
        let mut response = reply::error(&api::Error::Admin(error), coding);
        for (name, value) in more {
            let value = HeaderValue::from_str(&value).expect("our own words are ASCII");
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl App for Admin {
    fn answer(&self, request: Request<Unread>) -> Boxed<'_, Response<Body>> {
        Box::pin(self.respond(request))
    }

    fn refuse(&self, fault: Fault) -> Response<Body> {
        reply::error(&api::Error::Fault(fault), Coding::Identity)
    }
}

/// What is done to a group without saying more.
#[derive(Clone, Copy)]
enum Turn {
    Promote,
    Rollback,
}

impl Turn {
    const fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Promote => "promoted",
            Self::Rollback => "rolled back",
        }
    }
}

impl Reply {
    const fn of(content: Content) -> Self {
        Self {
            status: StatusCode::OK,
            content,
            tag: None,
            policy: None,
            digest: None,
            remark: "",
            location: None,
        }
    }

    fn json(data: &impl Serialize) -> Self {
        Self::of(Content::Json(reply::envelope(data)))
    }

    fn group(info: &GroupInfo) -> Self {
        Self { tag: Some(info.revision.clone()), ..Self::json(info) }
    }

    /// A group after something was done that made `bound` what it is.
    fn binding(info: &GroupInfo, bound: &BindingInfo) -> Self {
        let (policy, digest) = (Some(bound.policy.clone()), Some(bound.digest.clone()));
        Self { policy, digest, ..Self::group(info) }
    }

    fn into_response(self, head: &request::Parts, coding: Coding) -> Response<Body> {
        let mut more: Vec<(HeaderName, String)> = Vec::new();
        let mut response = if self.status == StatusCode::NOT_MODIFIED {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = self.status;
            response
        } else {
            match self.content {
                Content::Json(json) => reply::in_one_piece(self.status, json, coding),
                Content::Wasm(bytes, file) => {
                    more.push((CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")));
                    reply::typed(self.status, "application/wasm", bytes)
                }
                Content::Text(kind, text) => reply::typed(self.status, kind, text),
                Content::Options(allowed) => reply::options(&allowed),
            }
        };
        more.extend(self.tag.map(|tag| (ETAG, format!("\"{tag}\""))));
        more.extend(self.location.map(|location| (LOCATION, location)));
        for (name, value) in more {
            match HeaderValue::from_str(&value) {
                Ok(value) => drop(response.headers_mut().insert(name, value)),
                Err(_) => tracing::error!(path = head.uri.path(), %name, value, "not a header"),
            }
        }
        response
    }
}

/// All server groups.
#[derive(Serialize)]
struct Groups {
    server_groups: Vec<GroupInfo>,
}

/// The job of a request that changes nothing.
fn read(target: Target) -> Job {
    Box::new(move |manage| {
        Ok(match target {
            Target::Policies => Reply::json(&manage.policies()),
            Target::Policy(name) => {
                names::check(&name)?;
                let info = manage.policy(&name)?;
                let tag = info.versions.first().map(|version| version.digest.clone());
                Reply { tag, ..Reply::json(&info) }
            }
            Target::Version(name, digest) => {
                names::check(&name)?;
                let digest = resolve(manage, &name, digest)?;
                let (digest, bytes) = manage.bytes(&name, &digest)?;
                let short: String = digest.chars().take(12).collect();
                let content = Content::Wasm(bytes, format!("{name}-{short}.wasm"));
                Reply { tag: Some(digest), ..Reply::of(content) }
            }
            Target::Group(group) | Target::Binding(group) => Reply::group(&manage.group(&group)?),
            _ => Reply::json(&Groups { server_groups: manage.groups() }),
        })
    })
}

/// `latest` is the newest version's digest; others are taken as they are, in
/// lower case.
fn resolve(manage: &dyn Manage, name: &str, digest: String) -> Result<String, Error> {
    if digest != names::LATEST {
        return Ok(digest.to_ascii_lowercase());
    }
    let newest = manage.policy(name)?.versions.into_iter().next();
    newest
        .map(|version| version.digest)
        .ok_or_else(|| registry::Error::UnknownVersion { name: name.to_owned(), digest }.into())
}

/// The name of an upload. One that ends in `.wasm` is that of a file, which
/// curl puts at the end of an address that ends in a slash.
fn check_new_name(name: &str) -> Result<(), Error> {
    if name.ends_with(".wasm") {
        return Err(Error::FileName(name.to_owned()));
    }
    Ok(names::check_own(name)?)
}

/// What `current` says about a condition, before anything is read for it.
/// [`Manage::put`] decides; this only spares a body that would be in vain.
fn meets(
    name: &str,
    current: Result<registry::PolicyInfo, registry::Error>,
    expect: &Expect,
) -> Result<(), registry::Error> {
    let current = match current {
        Ok(info) => info.versions.into_iter().next().map(|version| version.digest),
        Err(registry::Error::UnknownPolicy(_)) => None,
        Err(error) => return Err(error),
    };
    expect.check(|| format!("policy {name}"), current.as_deref())
}

fn expectation(head: &request::Parts) -> Result<Expect, Error> {
    Conditions::of(&head.headers)?.expect()
}

/// The parameters of a request that takes these and no others.
fn parameters(head: &request::Parts, known: &[&str]) -> Result<Form, Error> {
    let form = Form::parse(head.uri.query().unwrap_or("").as_bytes(), b"");
    if let Some(problem) = form.problem() {
        return Err(Error::Parameter(problem.to_string()));
    }
    let Some(name) = form.names().find(|name| !known.contains(name)) else { return Ok(form) };
    let name = &name[..name.floor_char_boundary(64)];
    Err(Error::Parameter(match known {
        [] => format!("unknown parameter {name:?}; there is none here"),
        _ => format!("unknown parameter {name:?}; known here: {}", known.join(", ")),
    }))
}

fn role(shadow: &str) -> Result<Role, Error> {
    match shadow {
        "true" => Ok(Role::Shadow),
        "" | "false" => Ok(Role::Active),
        _ => Err(Error::Parameter("shadow: expected true or false".to_owned())),
    }
}

#[cfg(test)]
mod tests;
