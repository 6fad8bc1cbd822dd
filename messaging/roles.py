"""The four roles as groups of permissions; `prepare` writes them, and what is not listed is not allowed."""

from django.contrib.auth.models import Group, Permission

VIEW_ALL = (
    "pipeline.view_application",
    "pipeline.view_candidate",
    "pipeline.view_interview",
    "pipeline.view_job",
    "pipeline.view_pipeline",
    "pipeline.view_reason",
    "pipeline.view_source",
    "pipeline.view_stage",
    "pipeline.view_stagechange",
    "messaging.view_attempt",
    "messaging.view_automation",
    "messaging.view_brake",
    "messaging.view_handoff",
    "messaging.view_incident",
    "messaging.view_installation",
    "messaging.view_ledgerentry",
    "messaging.view_message",
    "messaging.view_operation",
    "messaging.view_policyrow",
    "messaging.view_providerevent",
    "messaging.view_recordedverdict",
    "messaging.view_rejectionphrase",
    "messaging.view_release",
    "messaging.view_report",
    "messaging.view_seal",
    "messaging.view_signature",
    "messaging.view_stagerule",
    "messaging.view_template",
    "messaging.view_wording",
)
HIRING = (
    "pipeline.add_candidate",
    "pipeline.change_candidate",
    "pipeline.add_application",
    "pipeline.change_application",
    "pipeline.add_interview",
    "pipeline.change_interview",
    "pipeline.move_application",
    "pipeline.reject_application",
    "messaging.answer_handoff",
    "messaging.change_handoff",
    "messaging.cancel_message",
    "messaging.add_template",
    "messaging.change_template",
    "messaging.add_wording",
    "messaging.sign_wording",
    "messaging.add_stagerule",
    "messaging.change_stagerule",
    "messaging.delete_stagerule",
)
COORDINATING = (
    "pipeline.import_candidates",
    "pipeline.merge_candidates",
    "pipeline.add_job",
    "pipeline.change_job",
    "pipeline.add_pipeline",
    "pipeline.change_pipeline",
    "pipeline.add_stage",
    "pipeline.change_stage",
    "pipeline.add_reason",
    "pipeline.change_reason",
    "messaging.add_automation",
    "messaging.change_automation",
    "messaging.release_brake",
    "messaging.export_report",
)
ADMINISTERING = (
    "pipeline.add_user",
    "pipeline.change_user",
    "pipeline.view_user",
    "pipeline.change_source",
    "pipeline.correct_reach",
    "messaging.change_minutes",
    "messaging.add_policyrow",
    "messaging.change_policyrow",
    "messaging.delete_policyrow",
    "messaging.add_rejectionphrase",
    "messaging.change_rejectionphrase",
    "messaging.delete_rejectionphrase",
    "messaging.close_incident",
    "messaging.end_safe_mode",
)

ROLES: dict[str, tuple[str, ...]] = {
    "Recruiter": VIEW_ALL + HIRING,
    "Coordinator": VIEW_ALL + HIRING + COORDINATING,
    "Administrator": VIEW_ALL + HIRING + COORDINATING + ADMINISTERING,
    "Auditor": VIEW_ALL,
}


def write_roles() -> None:
    """Idempotent: each group ends with exactly the permissions listed here."""
    by_name = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    for role, names in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([by_name[name] for name in names])
