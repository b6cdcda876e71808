//! WHEP as draft-ietf-wish-whep has it: a case for each sentence that binds a server, named after
//! what it is about. The core extensions (layers, server-sent events) are in a document of their own.

use reqwest::{Response, StatusCode, header};

use crate::live_stage::{SDP, Stage, VIEWER, header_of, problem};

impl Stage {
    /// Offers to view with the administrator's token.
    async fn viewed(&self, offer: impl Into<String>) -> Response {
        self.offer(&self.viewing(), Some(&self.admin.token), SDP, offer.into()).await
    }
}

#[tokio::test]
async fn setup_post_wants_application_sdp() {
    let stage = Stage::new().await;
    stage.publish().await;
    let (path, bearer) = (stage.viewing(), Some(stage.admin.token.as_str()));
    let (status, reason) = stage.refused(&path, bearer, "text/plain", VIEWER.to_owned()).await;
    assert!(status == 415 && reason.contains(SDP), "{reason}");
    assert_eq!(stage.refused(&path, bearer, SDP, "hello".to_owned()).await.0, 400);
}

#[tokio::test]
async fn setup_an_offer_is_answered_with_201_an_sdp_and_a_location() {
    let stage = Stage::new().await;
    stage.publish().await;
    let response = stage.viewed(VIEWER).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(header_of(&response, "content-type"), SDP);
    assert!(header_of(&response, "etag").starts_with('"'));
    let location = header_of(&response, "location");
    let answer = response.text().await.unwrap();
    assert!(answer.starts_with("v=0\r\n"), "{answer}");
    let session = stage.request("GET", &location).bearer_auth(&stage.admin.token);
    assert!(session.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn setup_the_offer_receives_and_the_answer_sends() {
    let stage = Stage::new().await;
    stage.publish().await;
    for direction in ["a=recvonly", "a=sendrecv"] {
        let response = stage.viewed(VIEWER.replace("a=recvonly", direction)).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{direction}");
        let answer = response.text().await.unwrap();
        assert!(answer.contains("a=sendonly") && !answer.contains("a=sendrecv"), "{answer}");
    }
    for direction in ["a=sendonly", "a=inactive"] {
        let refused = stage.viewed(VIEWER.replace("a=recvonly", direction)).await;
        assert_eq!(problem(refused).await.0, 422, "{direction}");
    }
}

#[tokio::test]
async fn setup_no_error_looks_like_a_counter_offer() {
    let stage = Stage::new().await;
    stage.publish().await;
    let refused = stage.viewed(VIEWER.replace("H264/90000", "H266/90000")).await;
    let (status, _) = problem(refused).await;
    assert!(status != 406, "a player would answer it");
}

#[tokio::test]
async fn setup_without_a_publisher_it_is_409_with_a_time_to_try_again() {
    let stage = Stage::new().await;
    let (status, detail) = problem(stage.viewed(VIEWER).await).await;
    assert!(status == 409 && detail.contains("try again"), "{detail}");
}

#[tokio::test]
async fn termination_delete_ends_the_session() {
    let stage = Stage::new().await;
    stage.publish().await;
    let session = header_of(&stage.viewed(VIEWER).await, "location");
    let delete = stage.request("DELETE", &session).bearer_auth(&stage.admin.token);
    assert_eq!(delete.send().await.unwrap().status(), StatusCode::OK);
    let strange = stage.request("DELETE", &session).bearer_auth(&stage.token);
    assert_eq!(strange.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn termination_options_serve_cors_and_say_what_may_be_posted() {
    let stage = Stage::new().await;
    let preflight = stage
        .request("OPTIONS", &stage.viewing())
        .header("origin", "https://player.example.com")
        .header("access-control-request-method", "POST");
    let response = preflight.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header_of(&response, "accept-post"), SDP);
    assert_eq!(header_of(&response, "access-control-allow-origin"), "*");
}

#[tokio::test]
async fn authentication_a_bearer_token_is_wanted() {
    let stage = Stage::new().await;
    stage.publish().await;
    let response = stage.offer(&stage.viewing(), None, SDP, VIEWER.to_owned()).await;
    assert!(header_of(&response, "www-authenticate").starts_with("Bearer"));
    assert_eq!(problem(response).await.0, 401);
    let html = stage.request("POST", &stage.viewing()).bearer_auth(&stage.admin.token);
    let html = html.header(header::CONTENT_TYPE, SDP).header(header::ACCEPT, "text/html");
    assert_eq!(problem(html.body(VIEWER).send().await.unwrap()).await.0, 406);
}
