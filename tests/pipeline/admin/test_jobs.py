"""Jobs as a coordinator edits them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from messaging.roles import write_roles
from pipeline.models import Job, User
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_coordinator_opens_a_job_and_says_who_looks_after_it() -> None:
    write_roles()
    coordinator = make.make_user()
    coordinator.groups.add(Group.objects.get(name="Coordinator"))
    gone = make.make_user(first_name="Mia", is_active=False)
    client = Client()
    client.force_login(coordinator)

    fields = client.get("/admin/pipeline/job/add/").context["adminform"].form.fields
    assert {coordinator, gone} <= set(fields["recruiter"].queryset)

    given = {"title": "Gardener", "status": "open", "pipeline": make.make_pipeline().pk, "recruiter": coordinator.pk}
    assert client.post("/admin/pipeline/job/add/", given).status_code == 302
    job = Job.objects.get()
    assert (job.recruiter, job.coordinator) == (coordinator, None)


def test_the_list_counts_active_applications_only() -> None:
    write_roles()
    auditor = make.make_user()
    auditor.groups.add(Group.objects.get(name="Auditor"))
    client = Client()
    client.force_login(auditor)
    job = make.make_job()
    make.make_application(job=job)
    make.reject(make.make_application(job=job))
    [shown] = client.get("/admin/pipeline/job/").context["cl"].result_list
    assert shown.active == 1


def test_the_pipeline_of_a_job_that_somebody_applied_for_stays() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    empty, begun = make.make_job(), make.make_application().job
    other = make.make_pipeline()
    for job in (empty, begun):
        given = {"title": "Renamed", "status": "open", "pipeline": other.pk}
        assert client.post(f"/admin/pipeline/job/{job.pk}/change/", given).status_code == 302
    assert [Job.objects.get(pk=job.pk).pipeline == other for job in (empty, begun)] == [True, False]
    assert set(Job.objects.values_list("title", flat=True)) == {"Renamed"}


def test_a_reason_keeps_its_kind() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    reason = make.make_reason()
    given = {"kind": "withdrew", "internal": "Reworded", "is_active": "on"}
    assert client.post(f"/admin/pipeline/reason/{reason.pk}/change/", given).status_code == 302
    reason.refresh_from_db()
    assert (reason.kind, reason.internal) == ("rejected", "Reworded")


def test_the_way_to_the_board_of_a_job_leads_nowhere_without_one() -> None:
    client = Client()
    client.force_login(make.make_colleague("Coordinator"))
    job = make.make_job()
    assert client.get(f"/admin/pipeline/job/{job.pk}/board/")["Location"] == f"/admin/board/{job.pk}/"
    assert client.get("/admin/pipeline/job/x/board/").status_code == 404
