// Package group reconciles KisiGroups: which group in Kisi each stands for, whose assignments it has, and its doors.
package group
