//nolint:misspell // this is German
package page

import "time"

func german() Texts {
	german := units{second: [2]string{"Sekunde", "Sekunden"}, minute: [2]string{"Minute", "Minuten"}, hour: [2]string{"Stunde", "Stunden"}}
	months := [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}
	return Texts{
		Lang:    "de",
		States:  germanStates(),
		Reasons: germanReasons(),
		Steps: map[string]string{
			"network": "Netz", "keys": "Zugangsregeln", "storage": "Speicher", "machine": "Maschine",
			"address": "Öffentliche Adresse", "software": "Software", "other": "Alles Übrige",
		},
		StepIs: map[string]string{"waiting": "wartet", "active": "in Arbeit", "done": "fertig", "failed": "misslungen"},
		Ways:   map[string]string{"url": "Labor öffnen", "ssh": "Mit SSH anmelden", "console": "Konsole öffnen"},
		Acts:   germanActs(),
		Class: map[string]string{
			"starting": "Startet", "building": "Im Aufbau", "ready": "Bereit", "suspended": "Schläft",
			"resuming": "Wacht auf", "failed": "Misslungen", "gone": "Beendet",
		},
		Why:    germanWhy(),
		Word:   germanWords(),
		Script: germanScript(),
		Did: map[string]string{
			"extend": "Sie haben jetzt mehr Zeit.", "suspend": "Ihr Labor legt sich schlafen.", "reset": "Ihr Labor wird neu aufgebaut.", "end": "Ihr Labor wird gelöscht.",
		},
		DidClass: map[string]string{
			"extend": "Mehr Zeit bekommen: %d.", "reset": "Gelöscht, neu aufgebaut beim nächsten Besuch: %d.", "end": "Beendet: %d.", "left": "Noch nicht erledigt: %d. Drücken Sie für diese noch einmal auf die Schaltfläche.",
			"cannot": "In ihrem jetzigen Zustand nicht möglich: %d.",
		},
		Problems: germanProblems(),
		Left:     func(d time.Duration) string { return german.left(d, "Noch ein paar Sekunden", "Noch etwa %s") },
		About:    func(d time.Duration) string { return "etwa " + german.of(rough(d)) },
		Pace: func(elapsed, expected time.Duration) string {
			return german.pace(elapsed, expected, "Bisher %s", "; solche Labore brauchen meist etwa %s", "Solche Labore brauchen meist etwa %s")
		},
		At: func(t time.Time) string { return date(t, "2. MONTH, 15:04 Uhr UTC", months) },
	}
}

func germanStates() map[string]StateText {
	return map[string]StateText{
		"starting":  {"Ihr Labor startet gleich", "Das dauert einen Moment. Sie müssen nichts tun."},
		"building":  {"Ihr Labor wird aufgebaut", "Das geht von selbst weiter, auch wenn Sie diese Seite schließen."},
		"ready":     {"Ihr Labor ist bereit", "Wählen Sie, wie Sie hineingehen."},
		"suspended": {"Ihr Labor schläft", "Alles darin bleibt erhalten. Wecken Sie es, um weiterzuarbeiten."},
		"resuming":  {"Ihr Labor wacht auf", "Sie finden es so vor, wie Sie es verlassen haben."},
		"failed":    {"Ihr Labor ist nicht zustande gekommen", ""},
		"gone":      {"Ihr Labor ist beendet", ""},
	}
}

func germanReasons() map[string]string {
	const tell = " Sagen Sie es Ihrem Kursteam, und nennen Sie die Referenz unten."
	return map[string]string{
		"missing":        "Es wird jetzt gestartet.",
		"cloud_trouble":  "Die Cloud antwortet im Moment nicht. Wir versuchen es weiter; Sie können diese Seite offen lassen.",
		"unanswered":     "Die Cloud lässt sich mit der Antwort Zeit. Ihr Labor startet, sobald sie da ist.",
		"clearing":       "Ihr früheres Labor wird noch gelöscht. Danach startet das neue von selbst.",
		"slow":           "Das dauert länger, als es sollte. Sie können warten oder später wiederkommen: Es geht von selbst weiter.",
		"finishing":      "Fast fertig: Der Weg hinein wird noch gesucht.",
		"suspending":     "Es schläft gerade ein. Warten Sie, bis es so weit ist.",
		"maintenance":    "Ihr Kursteam ändert gerade etwas an diesem Labor. Sie können weiterarbeiten.",
		"degraded":       "Die letzte Prüfung dieses Labors hat einen Fehler gefunden. Wenn etwas nicht geht, sagen Sie es Ihrem Kursteam.",
		"no_way_in":      "Das Labor läuft, aber es verrät nicht, wie man hineinkommt." + tell,
		"cloud_full":     "Im Moment ist kein Platz für ein weiteres Labor. Warten Sie einige Minuten, und öffnen Sie das Labor noch einmal auf Ihrer Kursseite.",
		"build_timeout":  "Es ist nicht rechtzeitig fertig geworden." + tell,
		"setup_failed":   "Die Maschine ist gestartet, aber ihre Einrichtung ist misslungen." + tell,
		"build_failed":   "Etwas darin konnte nicht angelegt werden." + tell,
		"resume_failed":  "Es ließ sich nicht wecken. Ihre Arbeit ist erhalten." + tell,
		"suspend_failed": "Es ließ sich nicht richtig schlafen legen. Ihre Arbeit ist erhalten." + tell,
		"delete_failed":  "Ihr früheres Labor ließ sich nicht löschen und steht dem neuen im Weg." + tell,
		"ended":          "Öffnen Sie das Labor noch einmal auf Ihrer Kursseite, um ein neues zu bekommen.",
		"lab_refused":    "Die Cloud nimmt dieses Labor nicht an." + tell,
	}
}

func germanWhy() map[string]string {
	return map[string]string{
		"missing":        "Noch nicht angelegt",
		"cloud_trouble":  "Die Cloud antwortet nicht",
		"unanswered":     "Die Cloud ist langsam",
		"clearing":       "Das frühere Labor wird gelöscht",
		"slow":           "Dauert länger, als es darf",
		"finishing":      "Der Weg hinein wird gesucht",
		"suspending":     "Schläft gerade ein",
		"maintenance":    "Wird in der Cloud geändert",
		"degraded":       "Die letzte Prüfung fand einen Fehler",
		"no_way_in":      "Keine seiner Ausgaben ist ein Weg hinein",
		"cloud_full":     "Kein Platz in der Cloud, oder das Kontingent ist verbraucht",
		"build_timeout":  "Nicht rechtzeitig fertig",
		"setup_failed":   "Die Maschine läuft, ihre Einrichtung ist misslungen",
		"build_failed":   "Ein Teil konnte nicht angelegt werden",
		"resume_failed":  "Ließ sich nicht wecken",
		"suspend_failed": "Ließ sich nicht schlafen legen",
		"delete_failed":  "Ließ sich nicht löschen",
		"ended":          "Gelöscht",
		"lab_refused":    "Die Cloud lehnt die Vorlage ab",
	}
}

func germanActs() map[string]ActText {
	return map[string]ActText{
		"extend":  {Title: "Mehr Zeit", Note: "Verschiebt das Ende Ihres Labors."},
		"suspend": {Title: "Schlafen legen", Note: "Alles bleibt erhalten, und Sie können es wieder wecken."},
		"reset": {
			Title: "Neu anfangen", Note: "Löscht dieses Labor und baut ein neues auf.",
			Confirm: "Ihr Labor wird mit allem darin gelöscht, und ein neues wird aufgebaut. Das lässt sich nicht rückgängig machen.",
		},
		"new": {Title: "Neues Labor starten"},
		"end": {Title: "Labor beenden", Confirm: "Ihr Labor wird mit allem darin gelöscht. Das lässt sich nicht rückgängig machen.", Note: "Löscht dieses Labor."},
	}
}

func germanWords() map[string]string {
	return map[string]string{
		"hello":      "Guten Tag, %s.",
		"progress":   "Fortschritt",
		"steps":      "Schritte",
		"ways":       "Wege hinein",
		"refresh":    "Aktualisieren",
		"wake":       "Labor wecken",
		"acts":       "Labor verwalten",
		"until":      "Ihres bis",
		"owner":      "Der Code Ihres Labors:",
		"owner_how":  "Nennen Sie ihn Ihrem Kursteam, wenn Sie um Hilfe bitten.",
		"ended":      "Es wurde mit allem darin gelöscht. Sie können ein neues starten.",
		"class_link": "Labore dieses Kurses",
		"reference":  "Referenz",
		"code":       "Code",
		"no_script":  "Diese Seite aktualisiert sich nicht von selbst, weil Skripte ausgeschaltet sind. Drücken Sie auf „Aktualisieren“, um zu sehen, wie weit es ist.",
		"problem":    "Das hat nicht geklappt",
		"back":       "Zurück zum Kurs",
		"console":    "Die Konsole ist für Sie offen",
		"go":         "Zur Konsole",
		"retry":      "Zurück zum Labor",
		"again":      "Noch einmal versuchen",
		"staff":      "Für das Kursteam",
		"check":      "Was geprüft wurde",
		"fix":        "Was zu ändern ist",

		"reveal":     "Passwort",
		"reveal_how": "Behalten Sie es für sich. Es gilt nur für dieses Labor.",

		"login":        "Auf dem Weg zu Ihrem Labor",
		"login_how":    "Ihre Kursplattform bestätigt, dass Sie es sind. Das dauert einen Moment.",
		"go_on":        "Weiter",
		"bind":         "Noch ein Schritt bis zu Ihrem Labor",
		"bind_wait":    "Wir prüfen, ob dieser Aufruf zu diesem Browser gehört…",
		"bind_why":     "Innerhalb der Kursseite lässt Ihr Browser nicht zu, dass wir Sie wiedererkennen. In einem eigenen Tab geht es.",
		"bind_open":    "Labor in neuem Tab öffnen",
		"bind_opened":  "Das Labor öffnet sich in einem anderen Tab. Lassen Sie diese Seite offen, bis Sie es dort sehen.",
		"bind_course":  "Innerhalb der Kursseite lässt Ihr Browser nicht zu, dass wir Sie wiedererkennen. Öffnen Sie das Labor auf Ihrer Kursseite noch einmal, in einem neuen Fenster.",
		"bind_nothing": "Dieser Browser speichert nichts für diese Website, und so können wir Sie nicht wiedererkennen. Erlauben Sie Cookies für diese Website, und öffnen Sie dann das Labor noch einmal auf Ihrer Kursseite.",

		"pick":       "Labor auswählen",
		"pick_many":  "Labore auswählen",
		"pick_for":   "Für den Kurs %s",
		"pick_none":  "Es gibt kein Labor, das dieser Kurs verwenden darf. Bitten Sie die Betreiber der Labore, eines hinzuzufügen.",
		"pick_takes": "Aufbau: %s",
		"pick_cost":  "Kosten: %s",
		"pick_add":   "Zum Kurs hinzufügen",
		"return":     "Zurück zu Ihrem Kurs",
		"return_how": "Ihre Auswahl wird an Ihre Kursplattform übergeben. Das dauert einen Moment.",

		"class":           "Labore dieses Kurses",
		"class_caption":   "Labore mit ihrem Zustand und dem, was Sie tun können",
		"class_how":       "Lernende erscheinen mit einem Code, nie mit Namen. Ihren Code finden sie unten auf der Seite ihres Labors.",
		"class_none":      "Im Moment hat niemand ein Labor in diesem Kurs.",
		"class_cut":       "Es gibt mehr Labore, als diese Liste zeigt.",
		"class_all":       "Alle Labore dieser Liste",
		"class_count":     "Labore: %d",
		"row_owner":       "Lernende",
		"row_lab":         "Labor",
		"row_state":       "Zustand",
		"row_until":       "Bis",
		"row_acts":        "Aktionen",
		"row_mine":        "Ihres",
		"row_sure_reset":  "Das Labor wird mit allem darin gelöscht. Beim nächsten Besuch wird ein neues aufgebaut.",
		"row_sure_end":    "Das Labor wird mit allem darin gelöscht.",
		"all_sure_extend": "Jedes Labor dieser Liste, das länger leben darf, bekommt mehr Zeit.",
		"all_sure_reset":  "Jedes Labor dieser Liste wird mit allem darin gelöscht. Beim nächsten Besuch wird jeweils ein neues aufgebaut.",
		"all_sure_end":    "Jedes Labor dieser Liste wird mit allem darin gelöscht.",
		"yes_extend":      "Ja, mehr Zeit geben",
		"yes_reset":       "Ja, neu aufbauen",
		"yes_end":         "Ja, beenden",
		"act_extend":      "Mehr Zeit geben",
		"act_reset":       "Neu aufbauen",
		"act_end":         "Beenden",
		"all_extend":      "Allen mehr Zeit geben",
		"all_reset":       "Alle neu aufbauen",
		"all_end":         "Alle beenden",

		"register":         "Kursplattform verbinden",
		"register_ask":     "Die Kursplattform unten bittet darum, verbunden zu werden, damit ihre Kurse Labore öffnen können. Fahren Sie nur fort, wenn Sie das eben selbst angestoßen haben.",
		"register_site":    "Kursplattform",
		"register_product": "Software",
		"register_yes":     "Verbinden",
		"registered":       "Die Kursplattform ist verbunden",
		"registered_ready": "Ihre Kurse können jetzt Labore öffnen. Der Eintrag steht in %s.",
		"registered_paste": "Eines bleibt zu tun: Die Betreiber der Labore fügen diese Zeilen zur Konfiguration hinzu.",
		"registered_entry": "Eintrag für die Konfiguration",
		"close":            "Dieses Fenster schließen",
	}
}

func germanScript() map[string]string {
	return map[string]string{
		"new_tab":   "öffnet einen neuen Tab",
		"key":       "Privaten Schlüssel herunterladen",
		"key_how":   "Behalten Sie den Schlüssel für sich, und machen Sie ihn nur für sich selbst lesbar (chmod 600).",
		"yes":       "Ja, ich bin sicher",
		"show":      "Passwort anzeigen",
		"hide":      "Passwort verbergen",
		"offline":   "Im Moment keine Verbindung. Wir versuchen es weiter…",
		"problem":   "Das hat nicht geklappt",
		"reference": "Referenz",
		"failed":    "Das hat uns nicht erreicht. Prüfen Sie Ihre Verbindung, und versuchen Sie es noch einmal.",
		"left":      "noch {time}",
		"ends_soon": "Ihr Labor endet in weniger als 10 Minuten. Sichern Sie Ihre Arbeit.",
		"over":      "Die Zeit ist abgelaufen",
		"retry_in":  "Wir versuchen es von selbst noch einmal in {time}.",
	}
}

func germanProblems() map[string]string {
	const (
		again     = " Öffnen Sie das Labor noch einmal auf Ihrer Kursseite."
		tellStaff = " Bitte sagen Sie es Ihrem Kursteam, und nennen Sie den Code auf dieser Seite."
		refused   = "Die Cloud weigert sich, Ihr Labor zu zeigen. Sagen Sie es Ihrem Kursteam, und nennen Sie die Referenz."
		silent    = "Die Cloud antwortet im Moment nicht. Ihr Labor ist davon nicht betroffen; warten Sie ein paar Sekunden, und versuchen Sie es noch einmal."
	)
	return map[string]string{
		"lti_method":           "Ein Labor wird auf einer Kursseite geöffnet, nicht über seine Adresse." + again,
		"lti_media_type":       "Ihr Kurs hat ein Formular geschickt, das wir nicht lesen." + tellStaff,
		"lti_too_large":        "Ihr Kurs hat mehr geschickt, als ein Aufruf enthalten darf." + tellStaff,
		"lti_encoding":         "Ihr Kurs hat ein Formular geschickt, das sich nicht lesen lässt." + tellStaff,
		"lti_duplicate":        "Ihr Kurs hat eines der Felder zweimal geschickt." + tellStaff,
		"lti_query":            "Die Startadresse in den Kurseinstellungen enthält Felder, die nur ins Formular gehören." + tellStaff,
		"lti_missing":          "Ihr Kurs hat etwas weggelassen, das jeder Aufruf braucht." + tellStaff,
		"lti_message_type":     "Ihr Kurs hat nach etwas anderem als einem Labor gefragt." + tellStaff,
		"lti_version":          "Ihr Kurs verwendet eine Version von LTI oder OAuth, die wir nicht sprechen." + tellStaff,
		"lti_signature_method": "Ihr Kurs unterschreibt auf eine Art, die wir nicht annehmen." + tellStaff,
		"lti_signature":        "Der Link aus Ihrem Kurs ist nicht so unterschrieben, wie wir es erwarten: Sein Schlüssel, sein Geheimnis oder seine Startadresse ist nicht so, wie wir es kennen." + tellStaff,
		"lti_timestamp":        "Ihr Kurs hat eine Zeit geschickt, die sich nicht lesen lässt." + tellStaff,
		"lti_stale":            "Dieser Aufruf hat zu lange gewartet." + again,
		"lti_future":           "Die Uhr Ihrer Kursplattform geht gegenüber unserer vor." + tellStaff,
		"lti_replayed":         "Diese Seite wurde neu geladen, und ein Aufruf gilt nur einmal. Es ist nichts verloren." + again,
		"lti_unavailable":      "Wir können Ihren Aufruf im Moment nicht prüfen. Warten Sie eine Minute, und öffnen Sie das Labor dann noch einmal auf Ihrer Kursseite.",
		"lti_platform":         "Ihre Kursplattform ist hier nicht bekannt." + tellStaff,
		"lti_client":           "Ihre Kursplattform hat nicht gesagt, welche ihrer Verbindungen das ist." + tellStaff,
		"lti_deployment":       "Dieser Bereich Ihrer Kursplattform ist hier nicht bekannt." + tellStaff,
		"lti_target":           "Der Link des Kurses führt zu einer Adresse, die nicht unsere ist." + tellStaff,
		"lti_platform_error":   "Ihre Kursplattform hat nicht gesagt, wer Sie sind. Melden Sie sich dort an, und öffnen Sie das Labor dann noch einmal auf Ihrer Kursseite.",
		"lti_state":            "Dieser Aufruf wurde nicht hier begonnen." + again,
		"lti_state_expired":    "Das Öffnen des Labors hat mehr als zehn Minuten gedauert." + again,
		"lti_binding":          "Dieser Aufruf wurde in einem anderen Browser begonnen, oder Ihr Browser hat nichts davon behalten. Öffnen Sie das Labor auf Ihrer Kursseite in einem neuen Fenster.",
		"lti_token":            "Ihre Kursplattform hat eine Bestätigung geschickt, die sich nicht lesen lässt." + tellStaff,
		"lti_algorithm":        "Ihre Kursplattform unterschreibt auf eine Art, die wir nicht annehmen." + tellStaff,
		"lti_key":              "Ihre Kursplattform hat mit einem Schlüssel unterschrieben, den sie nicht veröffentlicht. Warten Sie eine Minute, und öffnen Sie das Labor dann noch einmal auf Ihrer Kursseite.",
		"lti_key_unfit":        "Ihre Kursplattform unterschreibt mit einem Schlüssel, der nicht sicher genug ist." + tellStaff,
		"lti_token_signature":  "Die Bestätigung Ihrer Kursplattform ist nicht mit deren Schlüssel unterschrieben." + tellStaff,
		"lti_claims":           "Ihre Kursplattform hat eine Bestätigung geschickt, die gegen die Regeln von LTI verstößt." + tellStaff,
		"lti_issuer":           "Die Bestätigung kommt von einer anderen Kursplattform als der, von der Sie kommen." + tellStaff,
		"lti_audience":         "Die Bestätigung Ihrer Kursplattform wurde für jemand anderen ausgestellt." + tellStaff,
		"lti_nonce":            "Die Bestätigung Ihrer Kursplattform gehört zu einem anderen Aufruf." + again,
		"lti_deep_link":        "Ihre Kursplattform bittet auf eine Art um eine Auswahl, auf die wir nicht antworten können." + tellStaff,

		"deep_link_role":           "Nur Lehrende wählen die Labore eines Kurses aus. Öffnen Sie stattdessen das Labor auf Ihrer Kursseite.",
		"deep_link_keys":           "Hier lassen sich keine Labore auswählen, weil dieser Server keinen Schlüssel hat, um die Auswahl zu unterschreiben. Bitten Sie die Betreiber der Labore, einen hinzuzufügen.",
		"pick_ticket":              "Diese Auswahl war länger als eine Stunde offen, oder sie ist nicht unsere. Beginnen Sie sie in Ihrem Kurs noch einmal.",
		"pick_platform":            "Ihre Kursplattform ist hier nicht mehr bekannt. Bitten Sie die Betreiber der Labore, sie hinzuzufügen.",
		"registration_keys":        "Dieser Server hat noch keinen eigenen Schlüssel, nach dem jede Plattform fragt. Die Betreiber setzen lti.tool_keys; danach können Sie sich registrieren.",
		"registration_link":        "Dieser Registrierungslink ist nicht unserer, oder er ist älter als einen Tag. Bitten Sie die Betreiber dieses Werkzeugs um einen neuen Registrierungslink.",
		"registration_issuer":      "Ihre Plattform darf sich bei diesem Werkzeug nicht selbst registrieren. Bitten Sie die Betreiber dieses Werkzeugs, es zu erlauben.",
		"registration_request":     "Diese Seite muss von der Plattform geöffnet werden, für die der Link gemacht wurde. Beginnen Sie die Registrierung dort, mit dem Link als Registrierungsadresse des Werkzeugs.",
		"registration_unreachable": "Die Selbstbeschreibung Ihrer Plattform lässt sich von hier nicht abrufen. Es wurde nichts registriert; der Link kann noch einmal verwendet werden. Prüfen Sie, ob Ihre Plattform von außen erreichbar ist.",
		"registration_platform":    "Mit der Selbstbeschreibung Ihrer Plattform lässt sich nichts anfangen. Es wurde nichts registriert; der Link kann noch einmal verwendet werden. Fragen Sie die Betreiber dieses Werkzeugs, was nicht stimmt, und nennen Sie die Referenz.",
		"registration_busy":        "Dieser Link wird in diesem Moment verwendet. Warten Sie eine halbe Minute, sehen Sie nach, ob das Werkzeug in Ihrer Plattform erschienen ist, und versuchen Sie es sonst noch einmal.",
		"registration_used":        "Dieser Registrierungslink wurde schon verwendet und gilt nur einmal. Bitten Sie die Betreiber dieses Werkzeugs um einen neuen Registrierungslink.",
		"registration_refused":     "Ihre Plattform hat die Registrierung abgelehnt. Es wurde nichts registriert. Warten Sie eine halbe Minute, und beginnen Sie die Registrierung in Ihrer Plattform dann noch einmal, mit demselben Link.",
		"registration_unclear":     "Ihre Plattform hat nicht klar gesagt, ob die Registrierung zustande gekommen ist. Wenn das Werkzeug dort erscheint, entfernen Sie es. Bitten Sie die Betreiber dieses Werkzeugs um einen neuen Registrierungslink.",
		"registration_unavailable": "Wir können Ihren Registrierungslink im Moment nicht prüfen. Es wurde nichts registriert. Warten Sie eine Minute, und versuchen Sie es dann noch einmal.",

		"lab_not_offered":    "Ihr Kurs fragt nach einem Labor, das er nicht öffnen darf." + tellStaff,
		"ticket_missing":     "Auf diese Seite kommt man durch ein Labor. Öffnen Sie das Labor auf Ihrer Kursseite.",
		"ticket_expired":     "Diese Seite war so lange offen, dass sie nicht mehr gilt." + again,
		"ticket_invalid":     "Diese Seite gehört zu keinem unserer Labore." + again,
		"lab_withdrawn":      "Dieses Labor wird nicht mehr angeboten. Fragen Sie Ihr Kursteam, welches an seine Stelle tritt.",
		"cross_site":         "Diese Anfrage kam nicht von einer unserer Seiten. Öffnen Sie das Labor auf Ihrer Kursseite.",
		"no_such_way":        "Dieses Labor hat diesen Weg hinein nicht. Gehen Sie zurück zum Labor, und nehmen Sie einen von denen, die es zeigt.",
		"no_such_lab":        "Dieser Kurs hat kein solches Labor. Aktualisieren Sie die Liste, und nehmen Sie eines, das sie zeigt.",
		"lab_busy":           "An diesem Labor wird gerade etwas getan. Warten Sie ein paar Sekunden, und versuchen Sie es noch einmal.",
		"lab_asleep":         "Dieses Labor schläft. Wecken Sie es zuerst, und versuchen Sie es dann noch einmal.",
		"lab_broken":         "Dieses Labor ist nicht in Ordnung, und eine Änderung könnte zerstören, was darin ist. Sichern Sie Ihre Arbeit und fangen Sie neu an, oder sagen Sie es Ihrem Kursteam.",
		"extend_used_up":     "Dieses Labor lässt sich nicht weiter verlängern. Sichern Sie Ihre Arbeit, bevor es endet; danach können Sie ein neues starten.",
		"method_not_allowed": "Diese Adresse ist nur für die Seiten von Laboren da. Öffnen Sie das Labor auf Ihrer Kursseite.",
		"not_found":          "Unter dieser Adresse gibt es nichts. Öffnen Sie das Labor auf Ihrer Kursseite.",
		"internal":           "Bei uns ist etwas schiefgegangen. Öffnen Sie das Labor noch einmal auf Ihrer Kursseite; wenn es dabei bleibt, nennen Sie Ihrem Kursteam die Referenz.",
		"deadline":           "Die Cloud hat nicht rechtzeitig geantwortet. Versuchen Sie es noch einmal; was begonnen wurde, geht weiter und geschieht nicht doppelt.",
		"too_large":          "Die Anfrage war zu groß. Gehen Sie zurück, und versuchen Sie es noch einmal.",
		"unauthorized":       "Sagen Sie, wer Sie sind: mit einem API-Token, das die Zahlen lesen darf, als Authorization: Bearer.",
		"bad_form":           "Das Formular dieser Seite ist nicht vollständig angekommen. Gehen Sie zurück, und versuchen Sie es noch einmal.",
		"bad_body":           "Die Anfrage ist nicht vollständig angekommen. Versuchen Sie es noch einmal.",
		"cloud_unavailable":  silent,
		"cloud_busy":         silent,
		"cloud_gone":         "Dieser Teil Ihres Labors ist nicht mehr da." + again,
		"cloud_forbidden":    refused,
		"cloud_refused":      refused,
		"cloud_quota":        refused,
		"cloud_conflict":     refused,
		"cloud_broken":       refused,
	}
}
