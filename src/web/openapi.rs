//! The published description of the HTTP interface: OpenAPI 3.1 at `/openapi.json` and the events'
//! JSON Schema at `/schemas/events.json`. Built from the types that are read and written, so that
//! it cannot drift. Owners of other routes add theirs through [`OpenApi::add`].

use http::{Method, StatusCode};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::source::webhook::answer::{ErrorAnswer, HookAnswer};
use crate::source::webhook::{examples, schema};

/// One operation: a method on a path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces: each becomes a required string.
    pub path: &'static str,
    /// Its unique name in generated clients.
    pub id: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// How it behaves, in Markdown.
    pub description: &'static str,
    /// The section it is listed in.
    pub tag: &'static str,
    /// Parameters of the query that may be left out: name and description.
    pub query: Vec<(&'static str, &'static str)>,
    /// Names of the security schemes of which any one will do; none for an open route.
    pub security: Vec<&'static str>,
    /// The bodies it takes; none where it takes none.
    pub bodies: Vec<Content>,
    /// Its answers.
    pub answers: Vec<Answer>,
}

/// A body in one media type.
#[derive(Debug, Clone)]
pub struct Content {
    /// The media type.
    pub media: &'static str,
    /// Its schema, as [`OpenApi::schema`] gives it.
    pub schema: Value,
    /// Examples: name, summary, value.
    pub examples: Vec<(&'static str, &'static str, Value)>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// When it is given.
    pub description: &'static str,
    /// The schema of its JSON body; none for an answer without one.
    pub schema: Option<Value>,
    /// Whether it says when to try again.
    pub retry_after: bool,
}

impl Answer {
    /// An answer with a JSON body, or none.
    pub fn new(status: StatusCode, description: &'static str, schema: Option<Value>) -> Self {
        Self { status, description, schema, retry_after: false }
    }

    /// The same, with `Retry-After`.
    #[must_use]
    pub fn with_retry_after(self) -> Self {
        Self { retry_after: true, ..self }
    }
}

/// The document while it is being put together.
pub struct OpenApi {
    generator: SchemaGenerator,
    paths: Map<String, Value>,
    security: Map<String, Value>,
}

impl Default for OpenApi {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenApi {
    /// An empty one, with the security schemes of the hooks.
    pub fn new() -> Self {
        // OpenAPI 3.1 section 4.8.24: its dialect is JSON Schema 2020-12 and a little more.
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let mut api =
            Self { generator: settings.into_generator(), paths: Map::new(), security: Map::new() };
        api.add_security("bearer", json!({ "type": "http", "scheme": "bearer" }));
        api.add_security("basic", json!({ "type": "http", "scheme": "basic" }));
        api.add_security(
            "signature",
            json!({
                "type": "apiKey",
                "in": "header",
                "name": "webhook-signature",
                "description": "Standard Webhooks 1.0: the headers webhook-id, webhook-timestamp and \
                 webhook-signature (`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`).",
            }),
        );
        api
    }

    /// Names a way to authenticate.
    pub fn add_security(&mut self, name: &str, scheme: Value) {
        self.security.insert(name.to_owned(), scheme);
    }

    /// The schema of a type, kept once among the components.
    pub fn schema<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// Adds an operation.
    pub fn add(&mut self, operation: Operation) {
        let method = operation.method.as_str().to_ascii_lowercase();
        let path = operation.path;
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        item[method] = describe(operation);
    }

    /// The finished document. `version` is the program's.
    pub fn finish(mut self, version: &str) -> Value {
        let schemas = self.generator.take_definitions(true);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "upprop",
                "summary": "Attendance notification gateway",
                "version": version,
                "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" },
            },
            "paths": self.paths,
            "components": { "schemas": schemas, "securitySchemes": self.security },
        })
    }
}

/// The document with the hooks and whatever else registers itself.
pub fn document(version: &str, others: &[fn(&mut OpenApi)]) -> Value {
    let mut api = OpenApi::new();
    describe_hooks(&mut api);
    for register in others {
        register(&mut api);
    }
    api.finish(version)
}

/// The JSON Schema (2020-12) of one event or an array of them.
pub fn schema_events() -> Value {
    schema::document()
}

/// Describes `POST /hooks/{source}`.
pub fn describe_hooks(api: &mut OpenApi) {
    let taken = api.schema::<HookAnswer>();
    let refused = api.schema::<ErrorAnswer>();
    let generator = &mut api.generator;
    let plain = json!({ "anyOf": [schema::native(generator), schema::cloud_data(generator)] });
    let contents = [
        ("application/json", plain, examples::events()),
        ("application/cloudevents+json", schema::cloud_event(generator), Vec::new()),
        ("application/cloudevents-batch+json", schema::cloud_batch(generator), Vec::new()),
    ];
    let json = |status, description, schema: &Value| {
        Answer::new(status, description, Some(schema.clone()))
    };
    api.add(Operation {
        method: Method::POST,
        path: "/hooks/{source}",
        id: "postEvents",
        summary: "Send attendance events",
        description: "One event, or an array of at most 1,000. The answer comes when everything \
            accepted is durable. A bad event does not spoil the others: it is listed in \
            `rejected`.\n\nSend an event again, with the same `id`, until an answer comes; it \
            counts once. CloudEvents 1.0 are taken in structured, batch and binary mode (`ce-*` \
            headers with the fields as the JSON body).",
        tag: "Events",
        query: Vec::new(),
        security: vec!["signature", "bearer", "basic"],
        bodies: contents
            .into_iter()
            .map(|(media, schema, examples)| Content { media, schema, examples })
            .collect(),
        answers: vec![
            json(StatusCode::ACCEPTED, "At least one event was taken, now or before.", &taken),
            json(StatusCode::BAD_REQUEST, "Not JSON, or no events.", &refused),
            Answer::new(StatusCode::UNAUTHORIZED, "The credentials are not accepted.", None),
            json(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.", &refused),
            json(StatusCode::PAYLOAD_TOO_LARGE, "Too many bytes or too many events.", &refused),
            json(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not a form that is read.", &refused),
            json(StatusCode::UNPROCESSABLE_ENTITY, "Every event was refused.", &taken),
            json(StatusCode::TOO_MANY_REQUESTS, "Too fast.", &refused).with_retry_after(),
            json(StatusCode::SERVICE_UNAVAILABLE, "Not all of it was taken.", &refused)
                .with_retry_after(),
        ],
    });
}

fn describe(operation: Operation) -> Value {
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(operation.query.iter().map(|(name, description)| {
        json!({ "name": name, "in": "query", "required": false, "description": description,
                "schema": { "type": "string" } })
    }));
    let security: Vec<Value> =
        operation.security.iter().map(|name| json!({ (*name): [] })).collect();
    let mut item = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "security": security,
        "responses": operation.answers.iter().map(response).collect::<Map<_, _>>(),
    });
    if !parameters.is_empty() {
        item["parameters"] = Value::Array(parameters);
    }
    if !operation.bodies.is_empty() {
        let content: Map<String, Value> = operation.bodies.into_iter().map(content).collect();
        item["requestBody"] = json!({ "required": true, "content": content });
    }
    item
}

fn content(body: Content) -> (String, Value) {
    let mut media = json!({ "schema": body.schema });
    if !body.examples.is_empty() {
        let examples = body.examples.into_iter();
        media["examples"] = examples
            .map(|(name, summary, value)| {
                (name.to_owned(), json!({ "summary": summary, "value": value }))
            })
            .collect::<Map<_, _>>()
            .into();
    }
    (body.media.to_owned(), media)
}

fn response(answer: &Answer) -> (String, Value) {
    let mut response = json!({ "description": answer.description });
    if let Some(schema) = &answer.schema {
        response["content"] = json!({ "application/json": { "schema": schema } });
    }
    if answer.retry_after {
        response["headers"] = json!({
            "Retry-After": {
                "description": "Seconds to wait before the next try.",
                "schema": { "type": "integer", "minimum": 1 },
            },
        });
    }
    (answer.status.as_u16().to_string(), response)
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;
