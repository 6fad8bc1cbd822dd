"""The exports that we know by name, and one mapping for every other file.

Each docstring says where its headings were found and what could not be confirmed: none of the three makers publishes
the columns of its candidate export.
"""

from pipeline.intake.dates import DateOrder
from pipeline.intake.mappings import Field, Mapping

# No system exports it by itself; people add it so that nobody who was met is taken for somebody who was not.
FURTHEST = ("Furthest stage", "Furthest stage reached", "Stage reached", "Reach")


def generic() -> Mapping:
    """Any table with a name, an address and a job; the headings that people give such columns in English, German,
    French, Spanish and Swedish. Dates that could be two are refused until somebody says which number is the month."""
    return Mapping(
        name="generic",
        label="Generic",
        headings={
            Field.EXTERNAL_ID: (
                "Candidate ID",
                "External ID",
                "Applicant Reference",
                "Applicant ID",
                "Person ID",
                "ID",
            ),
            Field.FIRST_NAME: ("First name", "Given name", "Forename", "Vorname", "Prénom", "Nombre", "Förnamn"),
            Field.LAST_NAME: (
                "Last name",
                "Surname",
                "Family name",
                "Nachname",
                "Nom de famille",
                "Apellido",
                "Apellidos",
                "Efternamn",
            ),
            Field.FULL_NAME: ("Name", "Full name", "Candidate name", "Candidate", "Applicant name", "Applicant"),
            Field.EMAIL: (
                "Email",
                "Email address",
                "Candidate email",
                "Primary email",
                "Mail",
                "E-Mail-Adresse",
                "Courriel",
                "Adresse e-mail",
                "Correo electrónico",
                "E-post",
            ),
            Field.PHONE: ("Phone", "Phone number", "Mobile", "Telephone", "Telefon", "Téléphone", "Teléfono"),
            Field.CAME_FROM: ("Source", "Candidate source", "Came from", "Quelle", "Källa"),
            Field.JOB: (
                "Job",
                "Job title",
                "Job name",
                "Position",
                "Role",
                "Vacancy",
                "Stelle",
                "Poste",
                "Puesto",
                "Jobb",
            ),
            Field.JOB_ID: ("Job ID", "Requisition ID", "Req ID", "Job external ID"),
            Field.STAGE: ("Stage", "Current stage", "Stage name", "Étape", "Steg"),
            Field.FURTHEST_STAGE: FURTHEST,
            Field.STATUS: ("Status", "Application status", "Candidate status"),
            Field.ARCHIVED: ("Archived",),
            Field.APPLIED_AT: ("Applied at", "Applied on", "Application date", "Date applied", "Applied", "Created at"),
            Field.ENDED_AT: ("Rejected at", "Rejected on", "Rejection date", "Ended at", "Withdrawn at"),
            Field.HIRED_AT: ("Hired at", "Hired on", "Hire date"),
            Field.REASON: ("Rejection reason", "Reason", "Withdrawal reason"),
            Field.NOTE: ("Notes", "Note", "Comments", "Comment"),
        },
    )


def greenhouse() -> Mapping:
    """Greenhouse Recruiting: the spreadsheet of the candidate report, or of a custom report, saved as CSV.

    Found: “First Name”, “Last Name”, “Email”, “Phone”, “Job”, “Source” and “Notes” in Greenhouse's own articles on its
    import templates (support.greenhouse.io, 203871039 and 360053674012). “Candidate ID”, “Job”, “Stage”, “Status”,
    “Source”, “Recruiter”, “Created At”, “Rejection Reason” in the Greenhouse fixture of aloneltd/silver-medalist-hq.
    “Candidate Name”, “Job Name”, “Requisition ID”, “Applied At” in the fixture of another public importer; “Job ID”,
    “Current Stage”, “Application Date”, “Applied On”, “Rejection Date” in the import guide of PlatoVue for Greenhouse's
    custom reports. The values of a status (active, rejected, hired) are those of support.greenhouse.io, 360001892012.

    Not confirmed: the headings of the candidate report itself (360042740232 describes it without listing them), and its
    dates: they are read with the month first, as the maker's country does, unless somebody says otherwise.
    """
    return Mapping(
        name="greenhouse",
        label="Greenhouse",
        headings={
            Field.EXTERNAL_ID: ("Candidate ID",),
            Field.FIRST_NAME: ("First Name", "Candidate First Name"),
            Field.LAST_NAME: ("Last Name", "Candidate Last Name"),
            Field.FULL_NAME: ("Candidate Name", "Name", "Candidate"),
            Field.EMAIL: ("Email", "Candidate Email", "Email Address", "Primary Email"),
            Field.PHONE: ("Phone", "Phone Number", "Candidate Phone"),
            Field.CAME_FROM: ("Source", "Source Name"),
            Field.JOB: ("Job", "Job Name", "Job Title"),
            Field.JOB_ID: ("Job ID", "Requisition ID"),
            Field.STAGE: ("Stage", "Current Stage"),
            Field.FURTHEST_STAGE: FURTHEST,
            Field.STATUS: ("Status", "Application Status"),
            Field.APPLIED_AT: ("Applied On", "Applied At", "Application Date", "Date Applied", "Created At"),
            Field.ENDED_AT: ("Rejected On", "Rejected At", "Rejection Date"),
            Field.REASON: ("Rejection Reason",),
            Field.NOTE: ("Notes",),
        },
        telling=frozenset(
            {
                "Candidate ID",
                "Application ID",
                "Job Name",
                "Requisition ID",
                "Current Stage",
                "Rejection Reason",
                "Rejection Date",
                "Who Gets Credit",
                "Recruiter",
                "Coordinator",
            }
        ),
        date_order=DateOrder.MONTH_FIRST,
    )


def lever() -> Mapping:
    """Lever: the file “candidates.presence.latest.csv” that Lever hands out as a customer's full export.

    Found: “Profile ID”, “Candidate Name”, “Application ID”, “Posting ID”, “Posting Title”, “Origin”, “Sources”,
    “Current Stage”, “Created At (GMT)”, “Applied At (GMT)”, “Posting Archived At (GMT)”, “Last Advanced At (GMT)”,
    “Posting Archive Status”, “Posting Archive Reason”, “Profile Archive Reason”, “Hired” and one “Stage - …” column for
    each stage in public scripts that read this file, with times like 2017-12-06 16:03:36; “Profile Archive Reason” also
    in help.comeet.co, 6780426. Those scripts strip NUL bytes from it. What “Posting Archive Status” means (true: this
    application is over) is theirs too. “Full-Name”, “Email”, “Stage”, “Archive-Reason”, “Archive-Date”, “Sources” in
    Lever's own article on its import template (help.lever.co, 20087470372381).

    Not confirmed: the heading of the address and of the phone number in the export, so several are tried. The
    opportunity's id is not used for the candidate: one person has as many as they have applications.
    """
    return Mapping(
        name="lever",
        label="Lever",
        headings={
            Field.EXTERNAL_ID: ("Contact ID", "Profile ID"),
            Field.FULL_NAME: ("Candidate Name", "Contact Name", "Full-Name", "Name"),
            Field.EMAIL: ("Candidate Email", "Contact Email", "Email", "Emails", "Candidate Emails", "Email Address"),
            Field.PHONE: ("Candidate Phone", "Phone", "Phones", "Phone Number"),
            Field.CAME_FROM: ("Sources", "Source", "Origin"),
            Field.JOB: ("Posting Title", "Posting"),
            Field.JOB_ID: ("Posting ID",),
            Field.STAGE: ("Current Stage", "Stage"),
            Field.FURTHEST_STAGE: FURTHEST,
            Field.ARCHIVED: ("Posting Archive Status", "Archived", "Profile Archive Status"),
            Field.APPLIED_AT: (
                "Applied At (GMT)",
                "Applied At (UTC)",
                "Created At (GMT)",
                "Created At (UTC)",
                "Date-Added",
            ),
            Field.ENDED_AT: ("Posting Archived At (GMT)", "Posting Archived At (UTC)", "Archived At", "Archive-Date"),
            Field.HIRED_AT: ("Hired",),
            Field.REASON: ("Posting Archive Reason", "Archive Reason", "Archive-Reason", "Profile Archive Reason"),
        },
        telling=frozenset(
            {
                "Profile ID",
                "Contact ID",
                "Opportunity ID",
                "Posting ID",
                "Posting Title",
                "Posting Archive Reason",
                "Posting Archive Status",
                "Profile Archive Reason",
                "Profile Archive Status",
                "Last Advanced At (GMT)",
                "Archive-Reason",
            }
        ),
        stage_prefix="Stage - ",
    )


def teamtailor() -> Mapping:
    """Teamtailor: a CSV of candidates and their job applications.

    Found: “Candidate ID”, “First Name”, “Last Name”, “Email”, “Job Application ID”, “Job Application Created At”, with
    times like 22.03.2022 15:59:12, in yurazinko/candidates_data_exporter and other public programs that make such a
    file from Teamtailor's interface. That an application has created-at, rejected-at and a stage, and a candidate
    first-name, last-name, email and phone, is the vocabulary of that interface; the headings for the stage, the
    rejection and the phone here are those words as headings.

    Not confirmed: the headings of the file that Teamtailor's own pages export, and in which languages it writes them.
    """
    return Mapping(
        name="teamtailor",
        label="Teamtailor",
        headings={
            Field.EXTERNAL_ID: ("Candidate ID", "ID"),
            Field.FIRST_NAME: ("First Name",),
            Field.LAST_NAME: ("Last Name",),
            Field.FULL_NAME: ("Name", "Candidate"),
            Field.EMAIL: ("Email", "E-Mail"),
            Field.PHONE: ("Phone", "Phone Number"),
            Field.CAME_FROM: ("Source", "Referring Site", "Sourced From"),
            Field.JOB: ("Job", "Job Title"),
            Field.JOB_ID: ("Job ID",),
            Field.STAGE: ("Stage", "Stage Name", "Job Application Stage"),
            Field.FURTHEST_STAGE: FURTHEST,
            Field.APPLIED_AT: ("Job Application Created At", "Applied At", "Created At"),
            Field.ENDED_AT: ("Rejected At", "Job Application Rejected At"),
            Field.HIRED_AT: ("Hired At", "Job Application Hired At"),
            Field.REASON: ("Reject Reason", "Rejection Reason"),
        },
        telling=frozenset(
            {
                "Job Application ID",
                "Job Application Created At",
                "Job Application Stage",
                "Job Application Rejected At",
                "Reject Reason",
                "Referring Site",
                "Changed Stage At",
                "Sourced",
            }
        ),
        date_order=DateOrder.DAY_FIRST,
    )


MAPPINGS = (greenhouse(), lever(), teamtailor(), generic())
BY_NAME = {mapping.name: mapping for mapping in MAPPINGS}
