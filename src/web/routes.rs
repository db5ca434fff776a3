//! Routes that change while they are served: a request keeps those it began with to its end.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Request;
use tower::{ServiceExt as _, service_fn};

/// The routes in force.
pub struct Routes(ArcSwap<Router>);

impl Routes {
    /// These, until others come.
    pub fn new(routes: Router) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(routes)))
    }

    /// Others, from the next request on.
    pub fn change(&self, routes: Router) {
        self.0.store(Arc::new(routes));
    }

    /// What to serve.
    pub fn serve(self: &Arc<Self>) -> Router {
        let routes = self.clone();
        Router::new().fallback_service(service_fn(move |request: Request| {
            let routes = routes.0.load().as_ref().clone();
            routes.oneshot(request)
        }))
    }
}
