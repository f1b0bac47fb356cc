"""What Stackhook's labs want of an Open edX run by Tutor: a plugin of one file (API v1). See README.md."""

from tutor import hooks

hooks.Filters.CONFIG_DEFAULTS.add_items(
    [
        # May a tool that asks for a course's members (NRPS) get their names and e-mail addresses? Stackhook needs neither.
        ("STACKHOOK_SHARE_NAMES", False),
        # Give one registration to all courses (openedx-ltistore), instead of one to each block. Needs a new image of openedx.
        ("STACKHOOK_LTI_STORE", False),
        # LTI 1.1 calls a learner another name in each course. With this it is one name, so that a lab can be the same in
        # all courses of a consumer key. Decide before the first launch: labs are found by that name.
        ("STACKHOOK_ONE_NAME_PER_LEARNER", False),
    ]
)

hooks.Filters.ENV_PATCHES.add_items(
    [
        (
            "openedx-common-settings",
            """
LTI_NRPS_DISALLOW_PII = {{ not STACKHOOK_SHARE_NAMES }}
{%- if STACKHOOK_LTI_STORE %}
OPEN_EDX_FILTERS_CONFIG = dict(globals().get("OPEN_EDX_FILTERS_CONFIG") or {})
OPEN_EDX_FILTERS_CONFIG["org.openedx.xblock.lti_consumer.configuration.listed.v1"] = {
    "fail_silently": False,
    "pipeline": ["lti_store.pipelines.GetLtiConfigurations"],
}
{%- endif %}
""",
        ),
        (
            "openedx-dockerfile-post-python-requirements",
            """
{%- if STACKHOOK_LTI_STORE %}
RUN pip install openedx-ltistore
{%- endif %}
""",
        ),
    ]
)

# `tutor local do init --limit=stackhook` runs this in the LMS; twice is once. What is not wanted here is left as it is: others
# may have switched it on.
hooks.Filters.CLI_DO_INIT_TASKS.add_item(
    (
        "lms",
        """
{%- if STACKHOOK_LTI_STORE %}
./manage.py lms migrate lti_store
./manage.py lms waffle_flag --create --everyone lti_consumer.enable_external_config_filter
{%- endif %}
{%- if STACKHOOK_ONE_NAME_PER_LEARNER %}
./manage.py lms waffle_flag --create --everyone lti_consumer.enable_external_user_id_1p1_launches
{%- endif %}
""",
    )
)
