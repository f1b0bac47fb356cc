// Package alarm reads what alarm systems and people post to scale a cluster, and makes one Signal of it.
//
// Three senders are known by the shape of their JSON, as none of them can say so in a header:
//
//   - Aodh posts seven keys: alarm_name, alarm_id, severity, previous, current, reason, reason_data
//     (aodh/notifier/rest.py). There is no time and no serial number in them, x-openstack-request-id is fresh for each
//     POST, and reason_data has another form for each kind of alarm (aodh/evaluator/*.py): all Gnocchi kinds and
//     prometheus say "threshold", and besides there are "event", "composite" and "loadbalancer_member_health".
//   - Alertmanager posts version "4" of its webhook body: a group of alerts with labels
//     (prometheus/alertmanager notify/webhook/webhook.go). Newer releases add keys, so unknown ones are ignored.
//   - A person or a program of theirs posts {"direction", "by" or "to", "reason"}; unknown keys are refused, as a
//     mistyped one would otherwise scale by something else than was meant.
//
// Any of the three may also be the data of a CloudEvent, in binary or structured mode; batches are refused. The event's
// source and id are then what tells one delivery from the next.
//
// A Signal says what was asked, never what will be done: that is decided by package cluster. Only the state Alarm
// scales; OK and Unknown ("insufficient data") are worth an answer and a line in the log.
package alarm
