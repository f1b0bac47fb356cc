//nolint:misspell // this is French
package page

import "time"

// French sets a space that does not break before : ; ? and !, written \u00a0 here because it cannot be seen.
func french() Texts {
	french := units{second: [2]string{"seconde", "secondes"}, minute: [2]string{"minute", "minutes"}, hour: [2]string{"heure", "heures"}}
	months := [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
	return Texts{
		Lang:    "fr",
		States:  frenchStates(),
		Reasons: frenchReasons(),
		Steps: map[string]string{
			"network": "Réseau", "keys": "Règles d’accès", "storage": "Stockage", "machine": "Machine",
			"address": "Adresse publique", "software": "Logiciels", "other": "Tout le reste",
		},
		StepIs: map[string]string{"waiting": "en attente", "active": "en cours", "done": "terminé", "failed": "échec"},
		Ways:   map[string]string{"url": "Ouvrir le laboratoire", "ssh": "Se connecter en SSH", "console": "Ouvrir la console"},
		Acts:   frenchActs(),
		Class: map[string]string{
			"starting": "Démarre", "building": "En construction", "ready": "Prêt", "suspended": "En veille",
			"resuming": "Se réveille", "failed": "Échec", "gone": "Terminé",
		},
		Why:    frenchWhy(),
		Word:   frenchWords(),
		Script: frenchScript(),
		Did: map[string]string{
			"extend": "Vous avez maintenant plus de temps.", "suspend": "Votre laboratoire se met en veille.", "reset": "Votre laboratoire est reconstruit.", "end": "Votre laboratoire est en cours de suppression.",
		},
		DidClass: map[string]string{
			"extend": "Temps accordé\u00a0: %d.", "reset": "Supprimés, reconstruits à la prochaine visite\u00a0: %d.", "end": "Terminés\u00a0: %d.", "left": "Pas encore faits\u00a0: %d. Appuyez de nouveau sur le bouton pour ceux-ci.",
			"cannot": "Impossibles dans leur état actuel\u00a0: %d.",
		},
		Problems: frenchProblems(),
		Left:     func(d time.Duration) string { return french.left(d, "Encore quelques secondes", "Encore environ %s") },
		About:    func(d time.Duration) string { return "environ " + french.of(rough(d)) },
		Pace: func(elapsed, expected time.Duration) string {
			return french.pace(elapsed, expected, "%s jusqu’ici", "\u00a0; un laboratoire comme celui-ci prend en général environ %s", "Un laboratoire comme celui-ci prend en général environ %s")
		},
		At: func(t time.Time) string { return date(t, "2 MONTH à 15:04 UTC", months) },
	}
}

func frenchStates() map[string]StateText {
	return map[string]StateText{
		"starting":  {"Votre laboratoire va démarrer", "Cela prend un instant. Vous n’avez rien à faire."},
		"building":  {"Votre laboratoire est en construction", "Cela continue tout seul, même si vous fermez cette page."},
		"ready":     {"Votre laboratoire est prêt", "Choisissez comment y entrer."},
		"suspended": {"Votre laboratoire est en veille", "Tout ce qu’il contient est conservé. Réveillez-le pour continuer à travailler."},
		"resuming":  {"Votre laboratoire se réveille", "Vous le retrouverez tel que vous l’avez laissé."},
		"failed":    {"Votre laboratoire n’a pas pu démarrer", ""},
		"gone":      {"Votre laboratoire est terminé", ""},
	}
}

func frenchReasons() map[string]string {
	const tell = " Prévenez l’équipe du cours et donnez-lui la référence ci-dessous."
	return map[string]string{
		"missing":        "Il est en train de démarrer.",
		"cloud_trouble":  "Le cloud ne répond pas pour le moment. Nous continuons d’essayer\u00a0; vous pouvez laisser cette page ouverte.",
		"unanswered":     "Le cloud met du temps à répondre. Votre laboratoire démarre dès qu’il répond.",
		"clearing":       "Votre laboratoire précédent est encore en cours de suppression. Le nouveau démarre ensuite tout seul.",
		"slow":           "Cela prend plus de temps que prévu. Vous pouvez attendre ou revenir plus tard\u00a0: cela continue tout seul.",
		"finishing":      "Presque fini\u00a0: nous cherchons comment y entrer.",
		"suspending":     "Il est en train de se mettre en veille. Attendez que ce soit fait.",
		"maintenance":    "L’équipe du cours modifie quelque chose dans ce laboratoire. Vous pouvez continuer à travailler.",
		"degraded":       "La dernière vérification de ce laboratoire a trouvé un défaut. Si quelque chose ne marche pas, prévenez l’équipe du cours.",
		"no_way_in":      "Le laboratoire fonctionne, mais il n’indique pas comment y entrer." + tell,
		"cloud_full":     "Il n’y a plus de place pour un autre laboratoire en ce moment. Attendez quelques minutes, puis ouvrez de nouveau le laboratoire depuis la page de votre cours.",
		"build_timeout":  "Il n’a pas été terminé à temps." + tell,
		"setup_failed":   "La machine a démarré, mais son installation a échoué." + tell,
		"build_failed":   "Un de ses éléments n’a pas pu être créé." + tell,
		"resume_failed":  "Il n’a pas pu être réveillé. Votre travail est conservé." + tell,
		"suspend_failed": "Il n’a pas pu être mis en veille correctement. Votre travail est conservé." + tell,
		"delete_failed":  "Votre laboratoire précédent n’a pas pu être supprimé et bloque le nouveau." + tell,
		"ended":          "Ouvrez de nouveau le laboratoire depuis la page de votre cours pour en obtenir un nouveau.",
		"lab_refused":    "Le cloud n’accepte pas ce laboratoire." + tell,
	}
}

func frenchWhy() map[string]string {
	return map[string]string{
		"missing":        "Pas encore créé",
		"cloud_trouble":  "Le cloud ne répond pas",
		"unanswered":     "Le cloud est lent",
		"clearing":       "Le laboratoire précédent est en cours de suppression",
		"slow":           "Prend plus de temps que permis",
		"finishing":      "Recherche de l’accès",
		"suspending":     "Se met en veille",
		"maintenance":    "En cours de modification dans le cloud",
		"degraded":       "La dernière vérification a trouvé un défaut",
		"no_way_in":      "Aucune de ses sorties ne donne accès",
		"cloud_full":     "Plus de place dans le cloud, ou quota épuisé",
		"build_timeout":  "Pas terminé à temps",
		"setup_failed":   "La machine fonctionne, mais son installation a échoué",
		"build_failed":   "Un élément n’a pas pu être créé",
		"resume_failed":  "N’a pas pu être réveillé",
		"suspend_failed": "N’a pas pu être mis en veille",
		"delete_failed":  "N’a pas pu être supprimé",
		"ended":          "Supprimé",
		"lab_refused":    "Le cloud refuse le modèle",
	}
}

func frenchActs() map[string]ActText {
	return map[string]ActText{
		"extend":  {Title: "Plus de temps", Note: "Repousse la fin de votre laboratoire."},
		"suspend": {Title: "Mettre en veille", Note: "Tout est conservé, et vous pourrez le réveiller."},
		"reset": {
			Title: "Recommencer", Note: "Supprime ce laboratoire et en construit un nouveau.",
			Confirm: "Votre laboratoire est supprimé avec tout ce qu’il contient, et un nouveau est construit. C’est définitif.",
		},
		"new": {Title: "Démarrer un nouveau laboratoire"},
		"end": {Title: "Terminer le laboratoire", Confirm: "Votre laboratoire est supprimé avec tout ce qu’il contient. C’est définitif.", Note: "Supprime ce laboratoire."},
	}
}

func frenchWords() map[string]string {
	return map[string]string{
		"hello":      "Bonjour, %s.",
		"progress":   "Avancement",
		"steps":      "Étapes",
		"ways":       "Accès",
		"refresh":    "Actualiser",
		"wake":       "Réveiller le laboratoire",
		"acts":       "Gérer le laboratoire",
		"until":      "À vous jusqu’au",
		"owner":      "Code de votre laboratoire\u00a0:",
		"owner_how":  "Donnez-le à l’équipe du cours quand vous demandez de l’aide.",
		"ended":      "Il a été supprimé avec tout ce qu’il contenait. Vous pouvez en démarrer un nouveau.",
		"class_link": "Laboratoires de ce cours",
		"reference":  "Référence",
		"code":       "Code",
		"no_script":  "Cette page ne s’actualise pas toute seule, car les scripts sont désactivés. Appuyez sur «\u00a0Actualiser\u00a0» pour voir où cela en est.",
		"problem":    "Cela n’a pas marché",
		"back":       "Retour au cours",
		"console":    "La console est ouverte pour vous",
		"go":         "Aller à la console",
		"retry":      "Retour au laboratoire",
		"again":      "Réessayer",
		"staff":      "Pour l’équipe du cours",
		"check":      "Ce qui a été vérifié",
		"fix":        "Ce qu’il faut changer",

		"reveal":     "Mot de passe",
		"reveal_how": "Gardez-le pour vous. Il ne vaut que pour ce laboratoire.",

		"login":        "En route vers votre laboratoire",
		"login_how":    "Votre plateforme de cours confirme que c’est bien vous. Cela prend un instant.",
		"go_on":        "Continuer",
		"bind":         "Encore une étape avant votre laboratoire",
		"bind_wait":    "Nous vérifions si cette ouverture appartient à ce navigateur…",
		"bind_why":     "À l’intérieur de la page du cours, votre navigateur ne nous laisse pas vous reconnaître. Dans un onglet à part, oui.",
		"bind_open":    "Ouvrir le laboratoire dans un nouvel onglet",
		"bind_opened":  "Le laboratoire s’ouvre dans un autre onglet. Gardez cette page ouverte jusqu’à ce que vous l’y voyiez.",
		"bind_course":  "À l’intérieur de la page du cours, votre navigateur ne nous laisse pas vous reconnaître. Ouvrez de nouveau le laboratoire depuis la page de votre cours, dans une nouvelle fenêtre.",
		"bind_nothing": "Ce navigateur ne conserve rien pour ce site, et nous ne pouvons donc pas vous reconnaître. Autorisez les cookies pour ce site, puis ouvrez de nouveau le laboratoire depuis la page de votre cours.",

		"pick":       "Choisir un laboratoire",
		"pick_many":  "Choisir des laboratoires",
		"pick_for":   "Pour le cours %s",
		"pick_none":  "Il n’y a aucun laboratoire que ce cours puisse utiliser. Demandez aux responsables des laboratoires d’en ajouter un.",
		"pick_takes": "Construction\u00a0: %s",
		"pick_cost":  "Coût\u00a0: %s",
		"pick_add":   "Ajouter au cours",
		"return":     "Retour vers votre cours",
		"return_how": "Votre choix est remis à votre plateforme de cours. Cela prend un instant.",

		"class":           "Laboratoires de ce cours",
		"class_caption":   "Laboratoires, avec leur état et ce que vous pouvez faire",
		"class_how":       "Les apprenants apparaissent sous un code, jamais sous leur nom. Ils trouvent leur code en bas de la page de leur laboratoire.",
		"class_none":      "Personne n’a de laboratoire dans ce cours en ce moment.",
		"class_cut":       "Il y a plus de laboratoires que cette liste n’en montre.",
		"class_all":       "Tous les laboratoires de cette liste",
		"class_count":     "Laboratoires\u00a0: %d",
		"row_owner":       "Apprenant",
		"row_lab":         "Laboratoire",
		"row_state":       "État",
		"row_until":       "Jusqu’au",
		"row_acts":        "Actions",
		"row_mine":        "le vôtre",
		"row_sure_reset":  "Le laboratoire est supprimé avec tout ce qu’il contient. Un nouveau sera construit à la prochaine visite.",
		"row_sure_end":    "Le laboratoire est supprimé avec tout ce qu’il contient.",
		"all_sure_extend": "Chaque laboratoire de cette liste qui peut durer plus longtemps reçoit du temps.",
		"all_sure_reset":  "Chaque laboratoire de cette liste est supprimé avec tout ce qu’il contient, puis reconstruit à la prochaine visite.",
		"all_sure_end":    "Chaque laboratoire de cette liste est supprimé avec tout ce qu’il contient.",
		"yes_extend":      "Oui, donner du temps",
		"yes_reset":       "Oui, reconstruire",
		"yes_end":         "Oui, terminer",
		"act_extend":      "Donner du temps",
		"act_reset":       "Reconstruire",
		"act_end":         "Terminer",
		"all_extend":      "Donner du temps à tous",
		"all_reset":       "Tout reconstruire",
		"all_end":         "Tout terminer",

		"register":         "Connecter une plateforme de cours",
		"register_ask":     "La plateforme ci-dessous demande à être connectée, pour que ses cours puissent ouvrir des laboratoires. Ne continuez que si vous venez de le demander vous-même.",
		"register_site":    "Plateforme de cours",
		"register_product": "Logiciel",
		"register_yes":     "Connecter",
		"registered":       "La plateforme de cours est connectée",
		"registered_ready": "Ses cours peuvent maintenant ouvrir des laboratoires. L’entrée se trouve dans %s.",
		"registered_paste": "Il reste une chose à faire\u00a0: les responsables des laboratoires ajoutent ces lignes à la configuration.",
		"registered_entry": "Entrée pour la configuration",
		"close":            "Fermer cette fenêtre",
	}
}

func frenchScript() map[string]string {
	return map[string]string{
		"new_tab":   "s’ouvre dans un nouvel onglet",
		"key":       "Télécharger la clé privée",
		"key_how":   "Gardez la clé pour vous et rendez-la lisible par vous seul (chmod 600).",
		"yes":       "Oui, confirmer",
		"show":      "Afficher le mot de passe",
		"hide":      "Masquer le mot de passe",
		"offline":   "Pas de connexion pour le moment. Nous réessayons…",
		"problem":   "Cela n’a pas marché",
		"reference": "Référence",
		"failed":    "Cela ne nous est pas parvenu. Vérifiez votre connexion, puis réessayez.",
		"left":      "encore {time}",
		"ends_soon": "Votre laboratoire se termine dans moins de 10 minutes. Enregistrez votre travail.",
		"over":      "Le temps est écoulé",
		"retry_in":  "Nous réessayons automatiquement dans {time}.",
	}
}

func frenchProblems() map[string]string {
	const (
		again     = " Ouvrez de nouveau le laboratoire depuis la page de votre cours."
		tellStaff = " Prévenez l’équipe du cours et donnez-lui le code qui figure sur cette page."
		refused   = "Le cloud refuse de montrer votre laboratoire. Prévenez l’équipe du cours et donnez-lui la référence."
		silent    = "Le cloud ne répond pas pour le moment. Votre laboratoire n’est pas touché\u00a0; attendez quelques secondes, puis réessayez."
	)
	return map[string]string{
		"lti_method":           "Un laboratoire s’ouvre depuis la page d’un cours, pas par son adresse." + again,
		"lti_media_type":       "Votre cours a envoyé un formulaire d’un type que nous ne lisons pas." + tellStaff,
		"lti_too_large":        "Votre cours a envoyé plus que ce qu’une ouverture peut contenir." + tellStaff,
		"lti_encoding":         "Votre cours a envoyé un formulaire illisible." + tellStaff,
		"lti_duplicate":        "Votre cours a envoyé deux fois l’un des champs." + tellStaff,
		"lti_query":            "L’adresse de lancement des réglages du cours contient des champs qui n’ont leur place que dans le formulaire." + tellStaff,
		"lti_missing":          "Votre cours a omis quelque chose qu’il faut à chaque ouverture." + tellStaff,
		"lti_message_type":     "Votre cours a demandé autre chose qu’un laboratoire." + tellStaff,
		"lti_version":          "Votre cours utilise une version de LTI ou d’OAuth que nous ne parlons pas." + tellStaff,
		"lti_signature_method": "Votre cours signe d’une manière que nous n’acceptons pas." + tellStaff,
		"lti_signature":        "Le lien de votre cours n’est pas signé comme nous l’attendons\u00a0: sa clé, son secret ou son adresse de lancement n’est pas celui que nous connaissons." + tellStaff,
		"lti_timestamp":        "Votre cours a envoyé une heure illisible." + tellStaff,
		"lti_stale":            "Cette ouverture a attendu trop longtemps." + again,
		"lti_future":           "L’horloge de votre plateforme de cours avance sur la nôtre." + tellStaff,
		"lti_replayed":         "Cette page a été rechargée, et une ouverture ne sert qu’une fois. Rien n’est perdu." + again,
		"lti_unavailable":      "Nous ne pouvons pas vérifier votre ouverture pour le moment. Attendez une minute, puis ouvrez de nouveau le laboratoire depuis la page de votre cours.",
		"lti_platform":         "Votre plateforme de cours n’est pas connue ici." + tellStaff,
		"lti_client":           "Votre plateforme de cours n’a pas dit duquel de ses liens il s’agit." + tellStaff,
		"lti_deployment":       "Cet endroit de votre plateforme de cours n’est pas connu ici." + tellStaff,
		"lti_target":           "Le lien du cours mène à une adresse qui n’est pas la nôtre." + tellStaff,
		"lti_platform_error":   "Votre plateforme de cours n’a pas dit qui vous êtes. Connectez-vous-y, puis ouvrez de nouveau le laboratoire depuis la page de votre cours.",
		"lti_state":            "Cette ouverture n’a pas commencé ici." + again,
		"lti_state_expired":    "L’ouverture du laboratoire a pris plus de dix minutes." + again,
		"lti_binding":          "Cette ouverture a commencé dans un autre navigateur, ou le vôtre n’en a rien gardé. Ouvrez le laboratoire depuis la page de votre cours, dans une nouvelle fenêtre.",
		"lti_token":            "Votre plateforme de cours a envoyé une confirmation illisible." + tellStaff,
		"lti_algorithm":        "Votre plateforme de cours signe d’une manière que nous n’acceptons pas." + tellStaff,
		"lti_key":              "Votre plateforme de cours a signé avec une clé qu’elle ne publie pas. Attendez une minute, puis ouvrez de nouveau le laboratoire depuis la page de votre cours.",
		"lti_key_unfit":        "Votre plateforme de cours signe avec une clé qui n’est pas assez sûre." + tellStaff,
		"lti_token_signature":  "La confirmation de votre plateforme de cours n’est pas signée avec sa clé." + tellStaff,
		"lti_claims":           "Votre plateforme de cours a envoyé une confirmation qui enfreint les règles de LTI." + tellStaff,
		"lti_issuer":           "La confirmation vient d’une autre plateforme de cours que celle d’où vous venez." + tellStaff,
		"lti_audience":         "La confirmation de votre plateforme de cours a été faite pour quelqu’un d’autre." + tellStaff,
		"lti_nonce":            "La confirmation de votre plateforme de cours appartient à une autre ouverture." + again,
		"lti_deep_link":        "Votre plateforme de cours demande un choix d’une manière à laquelle nous ne pouvons pas répondre." + tellStaff,

		"deep_link_role":           "Seuls les enseignants choisissent les laboratoires d’un cours. Ouvrez plutôt le laboratoire depuis la page de votre cours.",
		"deep_link_keys":           "On ne peut pas choisir de laboratoires ici, car ce serveur n’a pas de clé pour signer le choix. Demandez aux responsables des laboratoires d’en ajouter une.",
		"pick_ticket":              "Ce choix est resté ouvert plus d’une heure, ou ce n’est pas l’un des nôtres. Recommencez-le dans votre cours.",
		"pick_platform":            "Votre plateforme de cours n’est plus connue ici. Demandez aux responsables des laboratoires de l’ajouter.",
		"registration_keys":        "Ce serveur n’a pas encore de clé à lui, que toute plateforme demande. Ses responsables règlent lti.tool_keys\u00a0; ensuite, vous pourrez vous enregistrer.",
		"registration_link":        "Ce lien d’enregistrement n’est pas l’un des nôtres, ou il a plus d’un jour. Demandez un nouveau lien d’enregistrement aux responsables de cet outil.",
		"registration_issuer":      "Votre plateforme n’a pas le droit de s’enregistrer elle-même auprès de cet outil. Demandez aux responsables de cet outil de l’autoriser.",
		"registration_request":     "Cette page doit être ouverte par la plateforme pour laquelle le lien a été fait. Commencez l’enregistrement là-bas, avec le lien comme adresse d’enregistrement de l’outil.",
		"registration_unreachable": "La description que votre plateforme donne d’elle-même ne peut pas être lue d’ici. Rien n’a été enregistré\u00a0; le lien peut resservir. Vérifiez que votre plateforme est accessible de l’extérieur.",
		"registration_platform":    "La description que votre plateforme donne d’elle-même n’est pas utilisable. Rien n’a été enregistré\u00a0; le lien peut resservir. Demandez aux responsables de cet outil ce qui ne va pas, et donnez-leur la référence.",
		"registration_busy":        "Ce lien est en cours d’utilisation. Attendez une demi-minute, regardez si l’outil est apparu dans votre plateforme, et réessayez si ce n’est pas le cas.",
		"registration_used":        "Ce lien d’enregistrement a déjà servi, et il ne sert qu’une fois. Demandez un nouveau lien d’enregistrement aux responsables de cet outil.",
		"registration_refused":     "Votre plateforme a refusé l’enregistrement. Rien n’a été enregistré. Attendez une demi-minute, puis recommencez l’enregistrement dans votre plateforme, avec le même lien.",
		"registration_unclear":     "Votre plateforme n’a pas dit clairement si l’enregistrement a abouti. Si l’outil y apparaît, supprimez-le. Demandez un nouveau lien d’enregistrement aux responsables de cet outil.",
		"registration_unavailable": "Nous ne pouvons pas vérifier votre lien d’enregistrement pour le moment. Rien n’a été enregistré. Attendez une minute, puis réessayez.",

		"lab_not_offered":    "Votre cours demande un laboratoire qu’il n’a pas le droit d’ouvrir." + tellStaff,
		"ticket_missing":     "On arrive sur cette page par un laboratoire. Ouvrez le laboratoire depuis la page de votre cours.",
		"ticket_expired":     "Cette page est restée ouverte si longtemps qu’elle n’est plus valable." + again,
		"ticket_invalid":     "Cette page n’appartient à aucun de nos laboratoires." + again,
		"lab_withdrawn":      "Ce laboratoire n’est plus proposé. Demandez à l’équipe du cours lequel le remplace.",
		"cross_site":         "Cette demande ne vient pas d’une de nos pages. Ouvrez le laboratoire depuis la page de votre cours.",
		"no_such_way":        "Ce laboratoire n’a pas cet accès. Retournez au laboratoire et utilisez l’un de ceux qu’il montre.",
		"no_such_lab":        "Ce cours n’a pas ce laboratoire. Actualisez la liste et utilisez l’un de ceux qu’elle montre.",
		"lab_busy":           "Une opération est en cours sur ce laboratoire. Attendez quelques secondes, puis réessayez.",
		"lab_asleep":         "Ce laboratoire est en veille. Réveillez-le d’abord, puis réessayez.",
		"lab_broken":         "Ce laboratoire n’est pas en bon état, et le modifier pourrait détruire ce qu’il contient. Enregistrez votre travail et recommencez, ou prévenez l’équipe du cours.",
		"extend_used_up":     "Ce laboratoire ne peut plus être prolongé. Enregistrez votre travail avant la fin\u00a0; ensuite, vous pourrez en démarrer un nouveau.",
		"method_not_allowed": "Cette adresse est réservée aux pages des laboratoires. Ouvrez le laboratoire depuis la page de votre cours.",
		"not_found":          "Il n’y a rien à cette adresse. Ouvrez le laboratoire depuis la page de votre cours.",
		"internal":           "Quelque chose s’est mal passé chez nous. Ouvrez de nouveau le laboratoire depuis la page de votre cours\u00a0; si cela persiste, donnez la référence à l’équipe du cours.",
		"deadline":           "Le cloud n’a pas répondu à temps. Réessayez\u00a0; ce qui a commencé continue et ne sera pas fait deux fois.",
		"too_large":          "La demande était trop grande. Revenez en arrière et réessayez.",
		"unauthorized":       "Dites qui vous êtes\u00a0: envoyez un jeton d’API autorisé à lire les mesures, en Authorization: Bearer.",
		"bad_form":           "Le formulaire de cette page n’est pas arrivé en entier. Revenez en arrière et réessayez.",
		"bad_body":           "La demande n’est pas arrivée en entier. Réessayez.",
		"cloud_unavailable":  silent,
		"cloud_busy":         silent,
		"cloud_gone":         "Cette partie de votre laboratoire n’existe plus." + again,
		"cloud_forbidden":    refused,
		"cloud_refused":      refused,
		"cloud_quota":        refused,
		"cloud_conflict":     refused,
		"cloud_broken":       refused,
	}
}
