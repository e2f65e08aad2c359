//! The OpenAPI document of the API.

use serde_json::{Value, json};

/// The document, for OpenAPI 3.1.
pub(super) fn document(config: &str) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Sessions of {config}"),
            "version": env!("CARGO_PKG_VERSION"),
            "description": "See and end sessions. Times are milliseconds since 1970. A text of more than 1,000 \
                            characters is shortened, and then ends with `…`.",
        },
        // Beside this document.
        "servers": [{ "url": "." }],
        "paths": {
            "/api/sessions": {
                "get": {
                    "operationId": "listSessions",
                    "summary": "The sessions of a user, the latest login first",
                    "parameters": [subject(), after()],
                    "responses": responses(&[
                        ("200", "At most 100 sessions", Some("List")),
                        ("400", "A parameter is missing or wrong", None),
                    ]),
                },
                "delete": {
                    "operationId": "endSessionsOfUser",
                    "summary": "Ends all sessions of a user",
                    "parameters": [subject()],
                    "responses": responses(&[
                        ("200", "The number of sessions that were ended", Some("Ended")),
                        ("400", "The parameter is missing or wrong", None),
                    ]),
                },
            },
            "/api/sessions/{id}": {
                "parameters": [id()],
                "get": {
                    "operationId": "getSession",
                    "summary": "One session, with the names of the fields of its data",
                    "responses": responses(&[
                        ("200", "The session", Some("Session")),
                        ("400", "The id is no UUID", None),
                        ("404", "There is no such session", None),
                        ("500", "The stored session cannot be read", None),
                    ]),
                },
                "delete": {
                    "operationId": "endSession",
                    "summary": "Ends one session",
                    "responses": responses(&[
                        ("204", "The session was ended", None),
                        ("400", "The id is no UUID", None),
                        ("404", "There is no such session", None),
                    ]),
                },
            },
            "/api/counts": {
                "get": {
                    "operationId": "countSessions",
                    "summary": "The number of living sessions",
                    "responses": responses(&[("200", "The number", Some("Counts"))]),
                },
            },
        },
        "components": { "schemas": schemas() },
    })
}

fn subject() -> Value {
    json!({
        "name": "subject", "in": "query", "required": true, "description": "The user",
        "schema": { "type": "string", "minLength": 1 },
    })
}

fn after() -> Value {
    json!({
        "name": "after", "in": "query", "description": "The `next` of the part of the list before",
        "schema": { "type": "string", "pattern": "^[0-9]{1,19}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" },
    })
}

fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The public id",
        "schema": { "type": "string", "format": "uuid" },
    })
}

/// The given responses, each with its status, its description and its schema, and those of every operation.
fn responses(own: &[(&str, &str, Option<&str>)]) -> Value {
    let all = [
        (
            "403",
            "The caller may not do this, or the request comes from another origin",
            None,
        ),
        (
            "503",
            "It is not known who the caller is, or the store does not answer",
            None,
        ),
    ];
    let mut responses = serde_json::Map::new();
    for (status, description, schema) in own.iter().chain(&all) {
        let mut response = json!({ "description": description });
        let (content_type, schema) = match (schema, *status) {
            (_, "204") => {
                responses.insert((*status).to_owned(), response);
                continue;
            }
            (Some(schema), _) => ("application/json", *schema),
            (None, _) => ("application/problem+json", "Problem"),
        };
        let schema = format!("#/components/schemas/{schema}");
        response["content"] = json!({ content_type: { "schema": { "$ref": schema } } });
        responses.insert((*status).to_owned(), response);
    }
    responses.into()
}

fn schemas() -> Value {
    let millis = json!({ "type": "integer", "minimum": 0 });
    let maybe_millis = json!({ "type": ["integer", "null"], "minimum": 0 });
    let maybe_text = json!({ "type": ["string", "null"] });
    let required = [
        "id",
        "subject",
        "label",
        "level",
        "created_at",
        "logged_in_at",
        "authenticated_at",
        "last_seen_at",
        "expires_at",
    ];
    json!({
        "Session": {
            "type": "object",
            "required": required,
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                "subject": maybe_text,
                "label": maybe_text,
                "level": { "type": ["integer", "null"], "minimum": 0, "maximum": 255 },
                "created_at": millis,
                "logged_in_at": maybe_millis,
                "authenticated_at": maybe_millis,
                "last_seen_at": millis,
                "expires_at": millis,
                "fields": {
                    "type": "array",
                    "description": "The first 100 fields of the data. Not in a list",
                    "items": { "$ref": "#/components/schemas/Field" },
                },
            },
        },
        "Field": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": { "type": "string" },
                "value": { "type": "string", "description": "Its JSON text, if it may be shown" },
            },
        },
        "List": {
            "type": "object",
            "required": ["sessions", "next"],
            "properties": {
                "sessions": { "type": "array", "items": { "$ref": "#/components/schemas/Session" } },
                "next": { "type": ["string", "null"], "description": "The `after` of the next part" },
            },
        },
        "Ended": {
            "type": "object",
            "required": ["ended"],
            "properties": { "ended": { "type": "integer", "minimum": 0 } },
        },
        "Counts": {
            "type": "object",
            "required": ["config", "sessions", "or_more"],
            "properties": {
                "config": { "type": "string" },
                "sessions": { "type": ["integer", "null"], "minimum": 0, "description": "null: the store does not count" },
                "or_more": { "type": "boolean", "description": "Whether there may be more: the store stopped counting" },
            },
        },
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status"],
            "properties": {
                "type": { "type": "string" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
            },
        },
    })
}
