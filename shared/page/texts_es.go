//nolint:misspell // this is Spanish
package page

import "time"

func spanish() Texts {
	spanish := units{second: [2]string{"segundo", "segundos"}, minute: [2]string{"minuto", "minutos"}, hour: [2]string{"hora", "horas"}}
	months := [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}
	return Texts{
		Lang:    "es",
		States:  spanishStates(),
		Reasons: spanishReasons(),
		Steps: map[string]string{
			"network": "Red", "keys": "Reglas de acceso", "storage": "Almacenamiento", "machine": "Máquina",
			"address": "Dirección pública", "software": "Programas", "other": "Todo lo demás",
		},
		StepIs: map[string]string{"waiting": "en espera", "active": "en curso", "done": "listo", "failed": "fallido"},
		Ways:   map[string]string{"url": "Abrir el laboratorio", "ssh": "Entrar con SSH", "console": "Abrir la consola"},
		Acts:   spanishActs(),
		Class: map[string]string{
			"starting": "Empezando", "building": "En construcción", "ready": "Listo", "suspended": "Dormido",
			"resuming": "Despertando", "failed": "Fallido", "gone": "Terminado",
		},
		Why:    spanishWhy(),
		Word:   spanishWords(),
		Script: spanishScript(),
		Did: map[string]string{
			"extend": "Ahora tiene más tiempo.", "suspend": "Su laboratorio se está durmiendo.", "reset": "Su laboratorio se construye de nuevo.", "end": "Su laboratorio se está eliminando.",
		},
		DidClass: map[string]string{
			"extend": "Con más tiempo: %d.", "reset": "Eliminados, se construyen de nuevo en la próxima visita: %d.", "end": "Terminados: %d.", "left": "Aún sin hacer: %d. Pulse otra vez el botón para estos.",
			"cannot": "No es posible en su estado actual: %d.",
		},
		Problems: spanishProblems(),
		Left: func(d time.Duration) string {
			return spanish.left(d, "Faltan unos segundos", "Tiempo restante: alrededor de %s")
		},
		About: func(d time.Duration) string { return "alrededor de " + spanish.of(rough(d)) },
		Pace: func(elapsed, expected time.Duration) string {
			return spanish.pace(elapsed, expected, "%s hasta ahora", "; un laboratorio así suele tardar alrededor de %s", "Un laboratorio así suele tardar alrededor de %s")
		},
		At: func(t time.Time) string { return date(t, "2 de MONTH, 15:04 UTC", months) },
	}
}

func spanishStates() map[string]StateText {
	return map[string]StateText{
		"starting":  {"Su laboratorio está a punto de empezar", "Tarda un momento. No tiene que hacer nada."},
		"building":  {"Su laboratorio se está construyendo", "Sigue por sí solo, aunque cierre esta página."},
		"ready":     {"Su laboratorio está listo", "Elija cómo entrar."},
		"suspended": {"Su laboratorio está dormido", "Todo lo que contiene se conserva. Despiértelo para seguir trabajando."},
		"resuming":  {"Su laboratorio se está despertando", "Lo encontrará como lo dejó."},
		"failed":    {"Su laboratorio no llegó a funcionar", ""},
		"gone":      {"Su laboratorio ha terminado", ""},
	}
}

func spanishReasons() map[string]string {
	const tell = " Avise al equipo del curso y dele la referencia de abajo."
	return map[string]string{
		"missing":        "Se está iniciando ahora.",
		"cloud_trouble":  "La nube no responde en este momento. Seguimos intentándolo; puede dejar esta página abierta.",
		"unanswered":     "La nube tarda en responder. Su laboratorio empieza en cuanto responda.",
		"clearing":       "Su laboratorio anterior todavía se está eliminando. Después, el nuevo empieza por sí solo.",
		"slow":           "Está tardando más de lo debido. Puede esperar o volver más tarde: sigue por sí solo.",
		"finishing":      "Ya casi está: buscando por dónde entrar.",
		"suspending":     "Se está durmiendo ahora mismo. Espere a que termine.",
		"maintenance":    "El equipo del curso está cambiando algo en este laboratorio. Puede seguir trabajando.",
		"degraded":       "La última comprobación de este laboratorio encontró un fallo. Si algo no funciona, avise al equipo del curso.",
		"no_way_in":      "El laboratorio funciona, pero no dice cómo entrar." + tell,
		"cloud_full":     "En este momento no hay sitio para otro laboratorio. Espere unos minutos y abra el laboratorio otra vez desde la página de su curso.",
		"build_timeout":  "No se terminó a tiempo." + tell,
		"setup_failed":   "La máquina arrancó, pero su preparación falló." + tell,
		"build_failed":   "Una de sus partes no se pudo crear." + tell,
		"resume_failed":  "No se pudo despertar. Su trabajo se conserva." + tell,
		"suspend_failed": "No se pudo dormir correctamente. Su trabajo se conserva." + tell,
		"delete_failed":  "Su laboratorio anterior no se pudo eliminar y bloquea el nuevo." + tell,
		"ended":          "Abra el laboratorio otra vez desde la página de su curso para obtener uno nuevo.",
		"lab_refused":    "La nube no acepta este laboratorio." + tell,
	}
}

func spanishWhy() map[string]string {
	return map[string]string{
		"missing":        "Aún no creado",
		"cloud_trouble":  "La nube no responde",
		"unanswered":     "La nube va lenta",
		"clearing":       "El laboratorio anterior se está eliminando",
		"slow":           "Tarda más de lo permitido",
		"finishing":      "Buscando por dónde entrar",
		"suspending":     "Se está durmiendo",
		"maintenance":    "Se está cambiando en la nube",
		"degraded":       "La última comprobación encontró un fallo",
		"no_way_in":      "Ninguna de sus salidas permite entrar",
		"cloud_full":     "Sin sitio en la nube, o cuota agotada",
		"build_timeout":  "No se terminó a tiempo",
		"setup_failed":   "La máquina funciona, pero su preparación falló",
		"build_failed":   "Una parte no se pudo crear",
		"resume_failed":  "No se pudo despertar",
		"suspend_failed": "No se pudo dormir",
		"delete_failed":  "No se pudo eliminar",
		"ended":          "Eliminado",
		"lab_refused":    "La nube rechaza la plantilla",
	}
}

func spanishActs() map[string]ActText {
	return map[string]ActText{
		"extend":  {Title: "Más tiempo", Note: "Aplaza el final de su laboratorio."},
		"suspend": {Title: "Dormir", Note: "Todo se conserva, y puede despertarlo otra vez."},
		"reset": {
			Title: "Empezar de nuevo", Note: "Elimina este laboratorio y construye uno nuevo.",
			Confirm: "Su laboratorio se elimina con todo lo que contiene, y se construye uno nuevo. No se puede deshacer.",
		},
		"new": {Title: "Iniciar un laboratorio nuevo"},
		"end": {Title: "Terminar el laboratorio", Confirm: "Su laboratorio se elimina con todo lo que contiene. No se puede deshacer.", Note: "Elimina este laboratorio."},
	}
}

func spanishWords() map[string]string {
	return map[string]string{
		"hello":      "Hola, %s.",
		"progress":   "Progreso",
		"steps":      "Pasos",
		"ways":       "Formas de entrar",
		"refresh":    "Actualizar",
		"wake":       "Despertar el laboratorio",
		"acts":       "Gestionar el laboratorio",
		"until":      "Suyo hasta el",
		"owner":      "Código de su laboratorio:",
		"owner_how":  "Déselo al equipo del curso cuando pida ayuda.",
		"ended":      "Se eliminó con todo lo que contenía. Puede iniciar uno nuevo.",
		"class_link": "Laboratorios de este curso",
		"reference":  "Referencia",
		"code":       "Código",
		"no_script":  "Esta página no se actualiza por sí sola, porque los scripts están desactivados. Pulse «Actualizar» para ver cómo va.",
		"problem":    "Esto no ha funcionado",
		"back":       "Volver al curso",
		"console":    "La consola está abierta para usted",
		"go":         "Ir a la consola",
		"retry":      "Volver al laboratorio",
		"again":      "Intentarlo de nuevo",
		"staff":      "Para el equipo del curso",
		"check":      "Qué se comprobó",
		"fix":        "Qué hay que cambiar",

		"reveal":     "Contraseña",
		"reveal_how": "Guárdela para usted. Solo vale para este laboratorio.",

		"login":        "De camino a su laboratorio",
		"login_how":    "Su plataforma de cursos confirma que es usted. Tarda un momento.",
		"go_on":        "Continuar",
		"bind":         "Un paso más hasta su laboratorio",
		"bind_wait":    "Comprobando si este acceso pertenece a este navegador…",
		"bind_why":     "Dentro de la página del curso, su navegador no nos deja reconocerle. En una pestaña propia, sí.",
		"bind_open":    "Abrir el laboratorio en una pestaña nueva",
		"bind_opened":  "El laboratorio se abre en otra pestaña. Deje esta página abierta hasta que lo vea allí.",
		"bind_course":  "Dentro de la página del curso, su navegador no nos deja reconocerle. Abra el laboratorio otra vez desde la página de su curso, en una ventana nueva.",
		"bind_nothing": "Este navegador no guarda nada para este sitio, así que no podemos reconocerle. Permita las cookies para este sitio y abra el laboratorio otra vez desde la página de su curso.",

		"pick":       "Elegir un laboratorio",
		"pick_many":  "Elegir laboratorios",
		"pick_for":   "Para el curso %s",
		"pick_none":  "No hay ningún laboratorio que este curso pueda usar. Pida a los responsables de los laboratorios que añadan uno.",
		"pick_takes": "Construcción: %s",
		"pick_cost":  "Coste: %s",
		"pick_add":   "Añadir al curso",
		"return":     "De vuelta a su curso",
		"return_how": "Su elección se entrega a su plataforma de cursos. Tarda un momento.",

		"class":           "Laboratorios de este curso",
		"class_caption":   "Laboratorios, con su estado y lo que puede hacer",
		"class_how":       "Los estudiantes aparecen con un código, nunca con su nombre. Encuentran su código al pie de la página de su laboratorio.",
		"class_none":      "En este momento nadie tiene un laboratorio en este curso.",
		"class_cut":       "Hay más laboratorios de los que muestra esta lista.",
		"class_all":       "Todos los laboratorios de esta lista",
		"class_count":     "Laboratorios: %d",
		"row_owner":       "Estudiante",
		"row_lab":         "Laboratorio",
		"row_state":       "Estado",
		"row_until":       "Hasta el",
		"row_acts":        "Acciones",
		"row_mine":        "suyo",
		"row_sure_reset":  "El laboratorio se elimina con todo lo que contiene. En la próxima visita se construye uno nuevo.",
		"row_sure_end":    "El laboratorio se elimina con todo lo que contiene.",
		"all_sure_extend": "Cada laboratorio de esta lista que pueda durar más recibe más tiempo.",
		"all_sure_reset":  "Cada laboratorio de esta lista se elimina con todo lo que contiene. En la próxima visita se construye uno nuevo.",
		"all_sure_end":    "Cada laboratorio de esta lista se elimina con todo lo que contiene.",
		"yes_extend":      "Sí, dar más tiempo",
		"yes_reset":       "Sí, construir de nuevo",
		"yes_end":         "Sí, terminar",
		"act_extend":      "Dar más tiempo",
		"act_reset":       "Construir de nuevo",
		"act_end":         "Terminar",
		"all_extend":      "Dar más tiempo a todos",
		"all_reset":       "Construir todos de nuevo",
		"all_end":         "Terminar todos",

		"register":         "Conectar una plataforma de cursos",
		"register_ask":     "La plataforma de abajo pide que se la conecte, para que sus cursos puedan abrir laboratorios. Continúe solo si acaba de pedirlo usted.",
		"register_site":    "Plataforma de cursos",
		"register_product": "Programa",
		"register_yes":     "Conectar",
		"registered":       "La plataforma de cursos está conectada",
		"registered_ready": "Sus cursos ya pueden abrir laboratorios. La entrada está en %s.",
		"registered_paste": "Queda una cosa por hacer: los responsables de los laboratorios añaden estas líneas a la configuración.",
		"registered_entry": "Entrada para la configuración",
		"close":            "Cerrar esta ventana",
	}
}

func spanishScript() map[string]string {
	return map[string]string{
		"new_tab":   "se abre en una pestaña nueva",
		"key":       "Descargar la clave privada",
		"key_how":   "Guarde la clave para usted y haga que solo usted pueda leerla (chmod 600).",
		"yes":       "Sí, hacerlo",
		"show":      "Mostrar la contraseña",
		"hide":      "Ocultar la contraseña",
		"offline":   "Sin conexión en este momento. Seguimos intentándolo…",
		"problem":   "Esto no ha funcionado",
		"reference": "Referencia",
		"failed":    "Esto no nos ha llegado. Compruebe su conexión e inténtelo de nuevo.",
		"left":      "tiempo restante: {time}",
		"ends_soon": "Su laboratorio termina en menos de 10 minutos. Guarde su trabajo.",
		"over":      "Se acabó el tiempo",
		"retry_in":  "Lo intentamos de nuevo automáticamente en {time}.",
	}
}

func spanishProblems() map[string]string {
	const (
		again     = " Abra el laboratorio otra vez desde la página de su curso."
		tellStaff = " Avise al equipo del curso y dele el código que aparece en esta página."
		refused   = "La nube se niega a mostrar su laboratorio. Avise al equipo del curso y dele la referencia."
		silent    = "La nube no responde en este momento. Su laboratorio no se ve afectado; espere unos segundos e inténtelo de nuevo."
	)
	return map[string]string{
		"lti_method":           "Un laboratorio se abre desde la página de un curso, no por su dirección." + again,
		"lti_media_type":       "Su curso ha enviado un formulario de un tipo que no leemos." + tellStaff,
		"lti_too_large":        "Su curso ha enviado más de lo que puede contener un acceso." + tellStaff,
		"lti_encoding":         "Su curso ha enviado un formulario que no se puede leer." + tellStaff,
		"lti_duplicate":        "Su curso ha enviado dos veces uno de los campos." + tellStaff,
		"lti_query":            "La dirección de inicio de los ajustes del curso contiene campos que solo deben ir en el formulario." + tellStaff,
		"lti_missing":          "Su curso ha omitido algo que todo acceso necesita." + tellStaff,
		"lti_message_type":     "Su curso ha pedido algo que no es un laboratorio." + tellStaff,
		"lti_version":          "Su curso usa una versión de LTI o de OAuth que no hablamos." + tellStaff,
		"lti_signature_method": "Su curso firma de una manera que no aceptamos." + tellStaff,
		"lti_signature":        "El enlace de su curso no está firmado como esperamos: su clave, su secreto o su dirección de inicio no es la que conocemos." + tellStaff,
		"lti_timestamp":        "Su curso ha enviado una hora que no se puede leer." + tellStaff,
		"lti_stale":            "Este acceso ha esperado demasiado." + again,
		"lti_future":           "El reloj de su plataforma de cursos va adelantado respecto al nuestro." + tellStaff,
		"lti_replayed":         "Esta página se ha recargado, y un acceso solo vale una vez. No se ha perdido nada." + again,
		"lti_unavailable":      "No podemos comprobar su acceso en este momento. Espere un minuto y abra el laboratorio otra vez desde la página de su curso.",
		"lti_platform":         "Su plataforma de cursos no se conoce aquí." + tellStaff,
		"lti_client":           "Su plataforma de cursos no ha dicho cuál de sus enlaces es este." + tellStaff,
		"lti_deployment":       "Este lugar de su plataforma de cursos no se conoce aquí." + tellStaff,
		"lti_target":           "El enlace del curso lleva a una dirección que no es nuestra." + tellStaff,
		"lti_platform_error":   "Su plataforma de cursos no ha dicho quién es usted. Inicie sesión allí y abra el laboratorio otra vez desde la página de su curso.",
		"lti_state":            "Este acceso no empezó aquí." + again,
		"lti_state_expired":    "Abrir el laboratorio ha tardado más de diez minutos." + again,
		"lti_binding":          "Este acceso empezó en otro navegador, o el suyo no guardó nada de él. Abra el laboratorio desde la página de su curso en una ventana nueva.",
		"lti_token":            "Su plataforma de cursos ha enviado una confirmación que no se puede leer." + tellStaff,
		"lti_algorithm":        "Su plataforma de cursos firma de una manera que no aceptamos." + tellStaff,
		"lti_key":              "Su plataforma de cursos ha firmado con una clave que no publica. Espere un minuto y abra el laboratorio otra vez desde la página de su curso.",
		"lti_key_unfit":        "Su plataforma de cursos firma con una clave que no es lo bastante segura." + tellStaff,
		"lti_token_signature":  "La confirmación de su plataforma de cursos no está firmada con su clave." + tellStaff,
		"lti_claims":           "Su plataforma de cursos ha enviado una confirmación que incumple las reglas de LTI." + tellStaff,
		"lti_issuer":           "La confirmación viene de una plataforma de cursos distinta de aquella de la que usted viene." + tellStaff,
		"lti_audience":         "La confirmación de su plataforma de cursos se hizo para otro destinatario." + tellStaff,
		"lti_nonce":            "La confirmación de su plataforma de cursos pertenece a otro acceso." + again,
		"lti_deep_link":        "Su plataforma de cursos pide una elección de una manera a la que no podemos responder." + tellStaff,

		"deep_link_role":           "Solo los docentes eligen los laboratorios de un curso. Abra en su lugar el laboratorio desde la página de su curso.",
		"deep_link_keys":           "Aquí no se pueden elegir laboratorios, porque este servidor no tiene una clave con la que firmar la elección. Pida a los responsables de los laboratorios que añadan una.",
		"pick_ticket":              "Esta elección estuvo abierta más de una hora, o no es de las nuestras. Empiécela otra vez en su curso.",
		"pick_platform":            "Su plataforma de cursos ya no se conoce aquí. Pida a los responsables de los laboratorios que la añadan.",
		"registration_keys":        "Este servidor aún no tiene una clave propia, que toda plataforma pide. Sus responsables configuran lti.tool_keys; después podrá registrarse.",
		"registration_link":        "Este enlace de registro no es de los nuestros, o tiene más de un día. Pida un enlace de registro nuevo a los responsables de esta herramienta.",
		"registration_issuer":      "Su plataforma no puede registrarse por sí misma en esta herramienta. Pida a los responsables de esta herramienta que lo permitan.",
		"registration_request":     "Esta página debe abrirla la plataforma para la que se hizo el enlace. Empiece el registro allí, con el enlace como dirección de registro de la herramienta.",
		"registration_unreachable": "La descripción que su plataforma da de sí misma no se puede leer desde aquí. No se ha registrado nada; el enlace se puede usar otra vez. Compruebe que su plataforma es accesible desde fuera.",
		"registration_platform":    "La descripción que su plataforma da de sí misma no se puede usar. No se ha registrado nada; el enlace se puede usar otra vez. Pregunte a los responsables de esta herramienta qué falla y deles la referencia.",
		"registration_busy":        "Este enlace se está usando en este momento. Espere medio minuto, mire si la herramienta ha aparecido en su plataforma e inténtelo de nuevo si no es así.",
		"registration_used":        "Este enlace de registro ya se usó, y solo vale una vez. Pida un enlace de registro nuevo a los responsables de esta herramienta.",
		"registration_refused":     "Su plataforma rechazó el registro. No se ha registrado nada. Espere medio minuto y empiece el registro otra vez en su plataforma, con el mismo enlace.",
		"registration_unclear":     "Su plataforma no dijo con claridad si el registro llegó a hacerse. Si la herramienta aparece allí, elimínela. Pida un enlace de registro nuevo a los responsables de esta herramienta.",
		"registration_unavailable": "No podemos comprobar su enlace de registro en este momento. No se ha registrado nada. Espere un minuto e inténtelo de nuevo.",

		"lab_not_offered":    "Su curso pide un laboratorio que no puede abrir." + tellStaff,
		"ticket_missing":     "A esta página se llega por un laboratorio. Abra el laboratorio desde la página de su curso.",
		"ticket_expired":     "Esta página ha estado abierta tanto tiempo que ya no vale." + again,
		"ticket_invalid":     "Esta página no pertenece a ninguno de nuestros laboratorios." + again,
		"lab_withdrawn":      "Este laboratorio ya no se ofrece. Pregunte al equipo del curso cuál ocupa su lugar.",
		"cross_site":         "Esta petición no vino de una de nuestras páginas. Abra el laboratorio desde la página de su curso.",
		"no_such_way":        "Este laboratorio no tiene esa forma de entrar. Vuelva al laboratorio y use una de las que muestra.",
		"no_such_lab":        "Este curso no tiene ese laboratorio. Actualice la lista y use uno de los que muestra.",
		"lab_busy":           "Algo está en marcha en este laboratorio. Espere unos segundos e inténtelo de nuevo.",
		"lab_asleep":         "Este laboratorio está dormido. Despiértelo primero y después inténtelo de nuevo.",
		"lab_broken":         "Este laboratorio no está en orden, y cambiarlo podría destruir lo que contiene. Guarde su trabajo y empiece de nuevo, o avise al equipo del curso.",
		"extend_used_up":     "Este laboratorio no se puede prolongar más. Guarde su trabajo antes de que termine; después podrá iniciar uno nuevo.",
		"method_not_allowed": "Esta dirección es solo para las páginas de los laboratorios. Abra el laboratorio desde la página de su curso.",
		"not_found":          "No hay nada en esta dirección. Abra el laboratorio desde la página de su curso.",
		"internal":           "Algo ha ido mal por nuestra parte. Abra el laboratorio otra vez desde la página de su curso; si sigue igual, dé la referencia al equipo del curso.",
		"deadline":           "La nube no respondió a tiempo. Inténtelo de nuevo; lo que se empezó sigue y no se hará dos veces.",
		"too_large":          "La petición era demasiado grande. Vuelva atrás e inténtelo de nuevo.",
		"unauthorized":       "Diga quién es: envíe un token de API que pueda leer las métricas, como Authorization: Bearer.",
		"bad_form":           "El formulario de esta página no llegó entero. Vuelva atrás e inténtelo de nuevo.",
		"bad_body":           "La petición no llegó entera. Inténtelo de nuevo.",
		"cloud_unavailable":  silent,
		"cloud_busy":         silent,
		"cloud_gone":         "Esa parte de su laboratorio ya no existe." + again,
		"cloud_forbidden":    refused,
		"cloud_refused":      refused,
		"cloud_quota":        refused,
		"cloud_conflict":     refused,
		"cloud_broken":       refused,
	}
}
