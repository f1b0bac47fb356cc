package page

import (
	"fmt"
	"time"
)

func english() Texts {
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
		Word:   englishWords(),
		Left:   englishLeft,
		At:     func(t time.Time) string { return t.UTC().Format("2 January, 15:04 UTC") },
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

func englishWords() map[string]string {
	return map[string]string{
		"progress":  "Progress",
		"steps":     "Steps",
		"ways":      "Ways in",
		"refresh":   "Refresh",
		"wake":      "Wake up the lab",
		"new_tab":   "opens in a new tab",
		"user":      "User",
		"host":      "Host",
		"command":   "Command",
		"key":       "Download the private key",
		"key_how":   "Keep the key to yourself, and make it readable for you alone (chmod 600).",
		"until":     "Yours until",
		"reference": "Reference",
		"code":      "Code",
		"offline":   "No connection at the moment. Trying again…",
		"no_script": "This page does not refresh itself, because scripts are switched off. Press Refresh to see how far it is.",
		"problem":   "This did not work",
		"back":      "Back to the course",
		"console":   "The console is open for you",
		"go":        "Go to the console",
		"retry":     "Go back to the lab",
	}
}

func englishLeft(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d <= 10*time.Second:
		return "A few seconds left"
	case d <= 90*time.Second:
		return fmt.Sprintf("About %d seconds left", (int(d/time.Second)+4)/5*5)
	default:
		return fmt.Sprintf("About %d minutes left", int((d+30*time.Second)/time.Minute))
	}
}
