package page

import "time"

func english() Texts {
	time24 := units{second: [2]string{"second", "seconds"}, minute: [2]string{"minute", "minutes"}, hour: [2]string{"hour", "hours"}}
	return Texts{
		Lang:    "en",
		States:  englishStates(),
		Reasons: englishReasons(),
		Steps: map[string]string{
			"network": "Network", "keys": "Access rules", "storage": "Storage", "machine": "Machine",
			"address": "Public address", "software": "Software", "other": "Everything else",
		},
		StepIs: map[string]string{"waiting": "waiting", "active": "in progress", "done": "done", "failed": "failed"},
		Ways:   map[string]string{"url": "Open the lab", "ssh": "Log in with SSH", "console": "Open the console"},
		Acts:   englishActs(),
		Class: map[string]string{
			"starting": "Starting", "building": "Being built", "ready": "Ready", "suspended": "Asleep",
			"resuming": "Waking up", "failed": "Failed", "gone": "Ended",
		},
		Why:    englishWhy(),
		Word:   englishWords(),
		Script: englishScript(),
		Did: map[string]string{
			"extend": "You have more time now.", "suspend": "Your lab goes to sleep.", "reset": "Your lab is built anew.", "end": "Your lab is being removed.",
		},
		DidClass: map[string]string{
			"extend": "More time given: %d.", "reset": "Deleted, to be built anew at the learner's next visit: %d.", "end": "Ended: %d.", "left": "Not yet done: %d. Press the button again for these.",
			"cannot": "Not possible in their present state: %d.",
		},
		Left:  func(d time.Duration) string { return time24.left(d, "A few seconds left", "About %s left") },
		About: func(d time.Duration) string { return "about " + time24.of(rough(d)) },
		Pace: func(elapsed, expected time.Duration) string {
			return time24.pace(elapsed, expected, "%s so far", "; labs like this one usually take about %s", "Labs like this one usually take about %s")
		},
		At: func(t time.Time) string { return t.UTC().Format("2 January, 15:04 UTC") },
	}
}

func englishStates() map[string]StateText {
	return map[string]StateText{
		"starting":  {"Your lab is about to start", "This takes a moment. You need not do anything."},
		"building":  {"Your lab is being built", "It goes on by itself, even if you close this page."},
		"ready":     {"Your lab is ready", "Choose how to go in."},
		"suspended": {"Your lab is asleep", "Everything in it is kept. Wake it up to go on working."},
		"resuming":  {"Your lab is waking up", "You will find it as you left it."},
		"failed":    {"Your lab did not come up", ""},
		"gone":      {"Your lab has ended", ""},
	}
}

func englishReasons() map[string]string {
	const tell = " Tell your course staff, and give them the reference below."
	return map[string]string{
		"missing":        "It is being started now.",
		"cloud_trouble":  "The cloud does not answer at the moment. We keep trying; you can leave this page open.",
		"unanswered":     "The cloud takes its time to answer. Your lab starts as soon as it does.",
		"clearing":       "Your earlier lab is still being removed. The new one starts by itself after that.",
		"slow":           "This takes longer than it should. You can wait, or come back later: it goes on by itself.",
		"finishing":      "Almost there: looking for the way in.",
		"suspending":     "It is just falling asleep. Wait until it has.",
		"maintenance":    "Your course staff is changing something in this lab. You can go on working.",
		"degraded":       "The last check of this lab found a fault. If something does not work, tell your course staff.",
		"no_way_in":      "The lab runs, but it does not say how to go in." + tell,
		"cloud_full":     "There is no room for another lab at the moment. Wait some minutes and open the lab again from your course page.",
		"build_timeout":  "It was not finished in time." + tell,
		"setup_failed":   "The machine started, but setting it up did not work." + tell,
		"build_failed":   "Something in it could not be made." + tell,
		"resume_failed":  "It could not be woken up. Your work is kept." + tell,
		"suspend_failed": "It could not be put to sleep properly. Your work is kept." + tell,
		"delete_failed":  "Your earlier lab could not be removed, and it blocks the new one." + tell,
		"ended":          "Open the lab again from your course page to get a new one.",
		"lab_refused":    "The cloud does not accept this lab." + tell,
	}
}

func englishWhy() map[string]string {
	return map[string]string{
		"missing":        "Not created yet",
		"cloud_trouble":  "The cloud does not answer",
		"unanswered":     "The cloud is slow",
		"clearing":       "The earlier lab is being removed",
		"slow":           "Takes longer than it may",
		"finishing":      "Looking for the way in",
		"suspending":     "Falling asleep",
		"maintenance":    "Being changed in the cloud",
		"degraded":       "The last check found a fault",
		"no_way_in":      "None of its outputs is a way in",
		"cloud_full":     "No room in the cloud, or the quota is used up",
		"build_timeout":  "Not finished in time",
		"setup_failed":   "The machine runs, but its setup failed",
		"build_failed":   "A part could not be made",
		"resume_failed":  "Could not be woken up",
		"suspend_failed": "Could not be put to sleep",
		"delete_failed":  "Could not be removed",
		"ended":          "Removed",
		"lab_refused":    "The cloud refuses the template",
	}
}

func englishActs() map[string]ActText {
	return map[string]ActText{
		"extend":  {Title: "More time", Note: "Moves the end of your lab further away."},
		"suspend": {Title: "Put to sleep", Note: "Everything is kept, and you can wake it up again."},
		"reset":   {Title: "Start over", Confirm: "Your lab is deleted with everything in it, and a new one is built. This cannot be undone.", Note: "Deletes this lab and builds a new one."},
		"new":     {Title: "Start a new lab"},
		"end":     {Title: "End the lab", Confirm: "Your lab is deleted with everything in it. This cannot be undone.", Note: "Deletes this lab."},
	}
}

func englishWords() map[string]string {
	return map[string]string{
		"hello":      "Hello, %s.",
		"progress":   "Progress",
		"steps":      "Steps",
		"ways":       "Ways in",
		"refresh":    "Refresh",
		"wake":       "Wake up the lab",
		"acts":       "Manage the lab",
		"until":      "Yours until",
		"owner":      "Your lab's code:",
		"owner_how":  "Tell it to your course staff when you ask for help.",
		"ended":      "It was removed, with everything in it. You can start a new one.",
		"class_link": "Labs of this course",
		"reference":  "Reference",
		"code":       "Code",
		"no_script":  "This page does not refresh itself, because scripts are switched off. Press Refresh to see how far it is.",
		"problem":    "This did not work",
		"back":       "Back to the course",
		"console":    "The console is open for you",
		"go":         "Go to the console",
		"retry":      "Go back to the lab",
		"again":      "Try again",
		"staff":      "For course staff",
		"check":      "What was checked",
		"fix":        "What to change",

		"reveal":     "Password",
		"reveal_how": "Keep it to yourself. It works for this lab only.",

		"login":        "On the way to your lab",
		"login_how":    "Your course site confirms that it is you. This takes a moment.",
		"go_on":        "Go on",
		"bind":         "One more step to your lab",
		"bind_wait":    "Finding out whether this launch belongs to this browser…",
		"bind_why":     "Inside the course page, your browser does not let us recognise you. In a tab of its own it does.",
		"bind_open":    "Open the lab in a new tab",
		"bind_opened":  "The lab opens in another tab. Keep this page open until you see it there.",
		"bind_course":  "Inside the course page, your browser does not let us recognise you. Open the lab again from your course page, in a new window.",
		"bind_nothing": "This browser keeps nothing for this site, so we cannot recognise you. Allow cookies for this site, then open the lab again from your course page.",

		"pick":       "Choose a lab",
		"pick_many":  "Choose labs",
		"pick_for":   "For the course %s",
		"pick_none":  "There is no lab that this course may use. Ask whoever runs the labs to add one.",
		"pick_takes": "Takes %s to build",
		"pick_cost":  "Costs %s",
		"pick_add":   "Add to the course",
		"return":     "On the way back to your course",
		"return_how": "Your choice is handed to your course site. This takes a moment.",

		"class":           "Labs of this course",
		"class_caption":   "Labs, with their state and what you can do",
		"class_how":       "Learners are shown by a code, never by name. Learners find their code at the bottom of their lab page.",
		"class_none":      "Nobody has a lab in this course at the moment.",
		"class_cut":       "There are more labs than this list shows.",
		"class_all":       "All labs of this list",
		"class_count":     "Labs: %d",
		"row_owner":       "Learner",
		"row_lab":         "Lab",
		"row_state":       "State",
		"row_until":       "Until",
		"row_acts":        "Actions",
		"row_mine":        "yours",
		"row_sure_reset":  "The lab is deleted with everything in it. Its learner gets a new one with the next visit.",
		"row_sure_end":    "The lab is deleted with everything in it.",
		"all_sure_reset":  "Every lab of this list is deleted with everything in it. Each learner gets a new one with the next visit.",
		"all_sure_end":    "Every lab of this list is deleted with everything in it.",
		"all_sure_extend": "Every lab of this list that may live longer gets more time.",
		"yes_extend":      "Yes, give more time",
		"yes_reset":       "Yes, build anew",
		"yes_end":         "Yes, end",
		"act_extend":      "Give more time",
		"act_reset":       "Build anew",
		"act_end":         "End",
		"all_extend":      "Give all more time",
		"all_reset":       "Build all anew",
		"all_end":         "End all",

		"register":         "Connect a course site",
		"register_ask":     "The course site below asks to be connected, so that its courses can open labs. Go on only if you started this yourself, a moment ago.",
		"register_site":    "Course site",
		"register_product": "Software",
		"register_yes":     "Connect it",
		"registered":       "The course site is connected",
		"registered_ready": "Its courses can open labs now. The entry is in %s.",
		"registered_paste": "One thing is left to do: whoever runs the labs adds these lines to the configuration.",
		"registered_entry": "Entry for the configuration",
		"close":            "Close this window",
	}
}

func englishScript() map[string]string {
	return map[string]string{
		"new_tab":   "opens in a new tab",
		"key":       "Download the private key",
		"key_how":   "Keep the key to yourself, and make it readable for you alone (chmod 600).",
		"yes":       "Yes, I am sure",
		"show":      "Show the password",
		"hide":      "Hide the password",
		"offline":   "No connection at the moment. Trying again…",
		"problem":   "This did not work",
		"reference": "Reference",
		"failed":    "That did not reach us. Look whether you are connected, then try again.",
		"left":      "{time} left",
		"ends_soon": "Your lab ends in less than 10 minutes. Save your work.",
		"over":      "Time is up",
		"retry_in":  "We try again by ourselves in {time}.",
	}
}
