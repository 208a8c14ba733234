//! An app that only users may ask: the web configuration file's passwords.

use std::sync::Arc;

use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response};

use super::body::Body;
use super::web::{Verdict, Web};
use super::{App, Boxed, Fault, Note, Unread};

/// See the module's text.
pub struct Guarded<A> {
    app: Arc<A>,
    web: Option<Arc<Web>>,
}

impl<A: App> Guarded<A> {
    /// The app behind the users of a web configuration, if there is one.
    pub const fn new(app: Arc<A>, web: Option<Arc<Web>>) -> Self {
        Self { app, web }
    }

    async fn respond(&self, request: Request<Unread>) -> Response<Body> {
        let Some(web) = &self.web else { return self.app.answer(request).await };
        match web.verify(request.headers()).await {
            Verdict::Anybody | Verdict::User(_) => self.app.answer(request).await,
            Verdict::Busy => self.refuse_to(&request, Fault::Busy),
            Verdict::Stranger => {
                let mut response = self.refuse_to(&request, Fault::Stranger);
                let basic = HeaderValue::from_static("Basic realm=\"promweave\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, basic);
                response
            }
        }
    }

    fn refuse_to(&self, request: &Request<Unread>, fault: Fault) -> Response<Body> {
        if let Some(note) = request.extensions().get::<Note>() {
            note.set("refused", String::new());
        }
        self.app.refuse(fault)
    }
}

impl<A: App> App for Guarded<A> {
    fn answer(&self, request: Request<Unread>) -> Boxed<'_, Response<Body>> {
        Box::pin(self.respond(request))
    }

    fn refuse(&self, fault: Fault) -> Response<Body> {
        self.app.refuse(fault)
    }
}
