package launchlab_test

import (
	"testing"
)

// W19: a lab opens from any platform that keeps to LTI, with nothing of Open edX in the launch: each of these sends what the
// standard asks for, and what that platform is known to add or leave out.
func TestW19AnyPlatformLaunches(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]string) map[string]string{
		"no more than the standard": func(map[string]string) map[string]string { return map[string]string{} },
		"Moodle": func(m map[string]string) map[string]string {
			m["tool_consumer_info_product_family_code"], m["ext_lms"], m["roles"], m["resource_link_id"] = "moodle", "moodle-2", "Learner", "17"
			m["context_id"], m["launch_presentation_document_target"], m["lis_result_sourcedid"] = "4", "iframe", `{"data":{"instanceid":"3","userid":"5"},"hash":"9f"}`
			return m
		},
		"Canvas": func(m map[string]string) map[string]string {
			m["tool_consumer_info_product_family_code"], m["roles"] = "canvas", "Learner,urn:lti:role:ims/lis/Learner"
			m["context_id"], m["resource_link_id"] = "4dde05e8ca1973bcca9bffc13e1548820eee93a3", "4dde05e8ca1973bcca9bffc13e1548820eee93a3"
			m["custom_canvas_course_id"], m["ext_outcome_data_values_accepted"] = "7", "url,text"
			return m
		},
		"Sakai": func(m map[string]string) map[string]string {
			m["tool_consumer_info_product_family_code"], m["context_type"] = "sakai", "http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"
			m["roles"], m["ext_sakai_role"] = "urn:lti:role:ims/lis/Learner", "access"
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			l := launch("learner-of-" + name)
			for _, ours := range []string{"tool_consumer_info_product_family_code", "context_title", "context_label", "launch_presentation_return_url", "launch_presentation_locale", "lis_result_sourcedid", "custom_component_display_name", "oauth_callback"} {
				l = l.Without(ours)
			}
			for field, value := range change(map[string]string{}) {
				l = l.With(field, value)
			}
			page := labPage(t, s.serve(request(l)))
			if page.Status.State != "building" || len(s.Stacks()) != 1 {
				t.Errorf("the lab is %s, and there are %d stacks", page.Status.State, len(s.Stacks()))
			}
		})
	}
}
