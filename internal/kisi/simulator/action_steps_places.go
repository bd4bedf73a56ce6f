package simulator

import (
	"fmt"
)

func (a *acting) deleteGroup() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	a.s.destroyGroup(a.now, a.by, g)
	return g.ID, nil
}

func (a *acting) changeGroup() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	g.Name = orDefault(a.Name, g.Name)
	if r := a.Restrictions; r != nil {
		g.Restrictions = r.forGroup()
	}
	if a.LoginEnabled != nil {
		g.LoginEnabled = *a.LoginEnabled
	}
	a.s.changeGroup(a.now, a.by, g)
	return g.ID, nil
}

func (a *acting) addLock() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	l, err := a.livingLock()
	if err != nil {
		return 0, err
	}
	if g.PlaceID != 0 && g.PlaceID != l.PlaceID {
		return 0, fmt.Errorf("lock: %q is not at the group's place", l.Name)
	}
	gl := a.s.addGroupLock(a.now, groupLock{OrganizationID: a.org.ID, GroupID: g.ID, LockID: l.ID})
	a.s.emitGroupLock(a.now, a.by, "group_lock.create", gl)
	return gl.ID, nil
}

func (a *acting) removeLock() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	l, err := a.livingLock()
	if err != nil {
		return 0, err
	}
	ids := intersect(a.s.groupLocksByGroup.live[g.ID], a.s.groupLocksByLock.live[l.ID])
	if len(ids) == 0 {
		return 0, fmt.Errorf("lock: %q is not in %q", l.Name, g.Name)
	}
	for _, gl := range rowsOf(&a.s.groupLocks, ids) {
		a.s.destroyGroupLock(a.now, a.by, gl)
	}
	return ids[0], nil
}

func lockAction(do func(*acting, lock)) func(*acting) (int, error) {
	return func(a *acting) (int, error) {
		l, err := a.livingLock()
		if err != nil {
			return 0, err
		}
		do(a, l)
		return l.ID, nil
	}
}

func (a *acting) changeLock() (int, error) {
	l, err := a.livingLock()
	if err != nil {
		return 0, err
	}
	l.Name, l.UpdatedAt = orDefault(a.Name, l.Name), a.now
	a.s.locks.put(a.now, l.ID, l)
	a.s.emitLock(a.now, a.by, "lock.update", l, nil)
	return l.ID, nil
}

func (a *acting) setOnline(l lock, online bool) {
	l.Online, l.UpdatedAt = online, a.now
	a.s.locks.put(a.now, l.ID, l)
	a.s.emitLock(a.now, a.by, "lock.update", l, nil)
}

func (a *acting) lockdown(down bool) (int, error) {
	if a.Place == "" {
		return lockAction(func(a *acting, l lock) { a.s.setLockdown(a.now, a.by, l, down) })(a)
	}
	p, err := a.place()
	if err != nil {
		return 0, err
	}
	a.s.setPlaceLockdown(a.now, a.by, p, down)
	return p.ID, nil
}

func (a *acting) deletePlace() (int, error) {
	p, err := a.place()
	if err != nil {
		return 0, err
	}
	a.s.destroyPlace(a.now, a.by, p)
	return p.ID, nil
}

// changePlace tells nobody: no event about a changed place is documented.
func (a *acting) changePlace() (int, error) {
	p, err := a.place()
	if err != nil {
		return 0, err
	}
	p.Name, p.UpdatedAt = orDefault(a.Name, p.Name), a.now
	a.s.places.put(a.now, p.ID, p)
	return p.ID, nil
}
