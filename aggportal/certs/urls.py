"""Addresses of certs."""

from __future__ import annotations

from django.urls import URLPattern, path

from aggportal.certs.views import (
    authorities,
    authority_importing,
    authority_keys,
    authority_making,
    authority_mode,
    authority_renewing,
    certificate_importing,
    certificate_keeping,
    certificate_lists,
    certificates,
    chains,
    crls,
    cross_signing,
    files,
    inspecting,
    issuing,
    key_exporting,
    keystores,
    overlapping,
    own_request_making,
    own_requests,
    profiles,
    publishing,
    renewal_runs,
    renewing,
    request_deciding,
    request_receiving,
    revoking,
    succeeding,
)

app_name = "certs"
authority_patterns: list[URLPattern] = [
    path("authorities/", authorities.authority_list, name="authority_list"),
    path("authorities/new/", authority_making.authority_new, name="authority_new"),
    path("authorities/import/", authority_importing.authority_import, name="authority_import"),
    path(
        "authorities/import/<uuid:pk>/",
        authority_importing.authority_import_choose,
        name="authority_import_choose",
    ),
    path("authorities/<slug:slug>/", authorities.authority_show, name="authority_show"),
    path(
        "authorities/<slug:slug>/files/<str:name>",
        authorities.authority_file,
        name="authority_file",
    ),
    path(
        "authorities/<slug:slug>/renew/", authority_renewing.authority_renew, name="authority_renew"
    ),
    path(
        "authorities/<slug:slug>/renew/request.csr",
        authority_renewing.authority_renewal_request,
        name="authority_renewal_request",
    ),
    path("authorities/<slug:slug>/cross/", cross_signing.authority_cross, name="authority_cross"),
    path(
        "authorities/<slug:slug>/cross/request.csr",
        cross_signing.authority_cross_request,
        name="authority_cross_request",
    ),
    path("authorities/<slug:slug>/ways/<str:name>", chains.authority_way, name="authority_way"),
    path(
        "authorities/<slug:slug>/renewals/new/",
        renewal_runs.renewal_run_new,
        name="renewal_run_new",
    ),
    path("renewals/<int:pk>/", renewal_runs.renewal_run_show, name="renewal_run_show"),
    path(
        "renewals/<int:pk>/progress/",
        renewal_runs.renewal_run_progress,
        name="renewal_run_progress",
    ),
    path("renewals/<int:pk>/change/", renewal_runs.renewal_run_change, name="renewal_run_change"),
    path("authorities/<slug:slug>/key/", authority_keys.authority_key, name="authority_key"),
    path("authorities/<slug:slug>/export/", key_exporting.key_export, name="key_export"),
    path(
        "authorities/<slug:slug>/export/ask/", key_exporting.key_export_ask, name="key_export_ask"
    ),
    path(
        "authorities/<slug:slug>/export/approve/",
        key_exporting.key_export_approve,
        name="key_export_approve",
    ),
    path(
        "authorities/<slug:slug>/export/reject/",
        key_exporting.key_export_reject,
        name="key_export_reject",
    ),
    path(
        "authorities/<slug:slug>/successor/",
        succeeding.authority_succeed,
        name="authority_succeed",
    ),
    path(
        "authorities/<slug:slug>/overlap/", overlapping.authority_overlap, name="authority_overlap"
    ),
    path(
        "authorities/<slug:slug>/overlap/<str:name>", overlapping.overlap_file, name="overlap_file"
    ),
    path("authorities/<slug:slug>/retire/", overlapping.authority_retire, name="authority_retire"),
    path("authorities/<slug:slug>/names/", authorities.authority_names, name="authority_names"),
    path("authorities/<slug:slug>/mode/", authority_mode.authority_mode, name="authority_mode"),
    path("authorities/<slug:slug>/crl/", crls.crl_change, name="crl_change"),
    path("authorities/<slug:slug>/crl/publish/", crls.crl_publish, name="crl_publish"),
    path("authorities/<slug:slug>/profiles/", profiles.profile_edit, name="profile_edit"),
]
certificate_patterns: list[URLPattern] = [
    path("inspect/", inspecting.inspection_show, name="inspection_show"),
    path("bundle/", chains.bundle_show, name="bundle_show"),
    path("certificates/<int:pk>/ways/<str:name>", chains.certificate_way, name="certificate_way"),
    path("certificates/", certificate_lists.certificate_list, name="certificate_list"),
    path(
        "certificates/export.csv",
        certificate_lists.certificate_export_csv,
        name="certificate_export_csv",
    ),
    path(
        "certificates/export.json",
        certificate_lists.certificate_export_json,
        name="certificate_export_json",
    ),
    path("certificates/new/", issuing.certificate_new, name="certificate_new"),
    path(
        "certificates/import/", certificate_importing.certificate_import, name="certificate_import"
    ),
    path("certificates/import/certdb/", certificate_importing.certdb_import, name="certdb_import"),
    path(
        "certificates/import/<uuid:pk>/",
        certificate_importing.import_result,
        name="import_result",
    ),
    path("certificates/new/preview/", issuing.certificate_preview, name="certificate_preview"),
    path("certificates/revoke/", revoking.certificates_revoke, name="certificates_revoke"),
    path("certificates/<int:pk>/revoke/", revoking.certificate_revoke, name="certificate_revoke"),
    path(
        "certificates/<int:pk>/release/", revoking.certificate_release, name="certificate_release"
    ),
    path("certificates/<int:pk>/", certificates.certificate_show, name="certificate_show"),
    path("certificates/<int:pk>/renew/", renewing.certificate_renew, name="certificate_renew"),
    path("certificates/<int:pk>/renew/preview/", renewing.renewal_preview, name="renewal_preview"),
    path(
        "certificates/<int:pk>/keeping/",
        certificate_keeping.certificate_keep,
        name="certificate_keep",
    ),
    path("certificates/<int:pk>/files/<str:name>", files.certificate_file, name="certificate_file"),
    path(
        "certificates/<int:pk>/forms/<str:name>",
        keystores.certificate_form,
        name="certificate_form",
    ),
    path(
        "certificates/<int:pk>/keystore.p12",
        keystores.certificate_keystore,
        name="certificate_keystore",
    ),
    path(
        "certificates/<int:pk>/truststore.p12",
        keystores.certificate_truststore,
        name="certificate_truststore",
    ),
    path(
        "certificates/<int:pk>/bundle.tar.gz", files.certificate_bundle, name="certificate_bundle"
    ),
    path("certificates/<int:pk>/secret.yaml", files.certificate_secret, name="certificate_secret"),
    path(
        "certificates/<int:pk>/configmap.yaml",
        files.certificate_configmap,
        name="certificate_configmap",
    ),
]
request_patterns: list[URLPattern] = [
    path("requests/", request_receiving.request_list, name="request_list"),
    path("requests/new/", request_receiving.request_new, name="request_new"),
    path("requests/new/preview/", request_receiving.request_preview, name="request_preview"),
    path("requests/own/", own_requests.own_request_list, name="own_request_list"),
    path("requests/own/new/", own_request_making.own_request_new, name="own_request_new"),
    path("requests/own/answer/", own_requests.own_request_answer, name="own_request_answer"),
    path("requests/own/<int:pk>/", own_requests.own_request_show, name="own_request_show"),
    path("requests/own/<int:pk>/request.csr", own_requests.own_request_csr, name="own_request_csr"),
    path("requests/own/<int:pk>/key.pem", own_requests.own_request_key, name="own_request_key"),
    path("requests/own/<int:pk>/drop/", own_requests.own_request_drop, name="own_request_drop"),
    path("requests/<int:pk>/", request_deciding.request_show, name="request_show"),
    path("requests/<int:pk>/compare/", request_deciding.request_compare, name="request_compare"),
    path("requests/<int:pk>/sign/", request_deciding.request_sign, name="request_sign"),
    path("requests/<int:pk>/approve/", request_deciding.request_approve, name="request_approve"),
    path("requests/<int:pk>/reject/", request_deciding.request_reject, name="request_reject"),
]
# Open to everybody: clients that check certificates come here, by addresses that certificates hold.
public_patterns: list[URLPattern] = [
    path("pki/<slug:slug>.crl", publishing.crl_file, name="crl_file"),
    path("pki/<slug:slug>.crt", publishing.issuer_file, name="issuer_file"),
    path("pki/<slug:slug>/ocsp", publishing.ocsp_post, name="ocsp_post"),
    path("pki/<slug:slug>/ocsp/", publishing.ocsp_post, name="ocsp_post_slash"),
    path("pki/<slug:slug>/ocsp/<path:question>", publishing.ocsp_get, name="ocsp_get"),
]
urlpatterns = [*authority_patterns, *certificate_patterns, *request_patterns, *public_patterns]
